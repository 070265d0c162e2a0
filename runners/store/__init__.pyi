from .connections import GRACE_S as GRACE_S
from .connections import HEARTBEAT_S as HEARTBEAT_S
from .location import shown as shown
from .storage import open_storage as open_storage
from .storage import open_storage_readonly as open_storage_readonly
from .storage_errors import errors as errors
from .study import Study as Study
from .study import read_records as read_records
