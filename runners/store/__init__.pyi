from .connections import GRACE_S as GRACE_S
from .connections import HEARTBEAT_S as HEARTBEAT_S
from .location import shown as shown
from .storage import observed as observed
from .storage import opened as opened
from .storage_errors import errors as errors
