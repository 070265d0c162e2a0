from .location import redact as redact
from .storage import GRACE_S as GRACE_S
from .storage import HEARTBEAT_S as HEARTBEAT_S
from .storage import open_storage as open_storage
from .storage import open_storage_readonly as open_storage_readonly
from .storage import translate_errors as translate_errors
from .study import Study as Study
from .study import read_records as read_records
