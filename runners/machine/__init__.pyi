from .device import check_threads as check_threads
from .device import resolve_device as resolve_device
from .device_lock import DeviceShare as DeviceShare
from .device_lock import lock_for_timing as lock_for_timing
from .device_lock import share_for_training as share_for_training
from .facts import usable_cores as usable_cores
