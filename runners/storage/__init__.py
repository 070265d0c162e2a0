"""The Optuna storage of a search: a SQLite file or a PostgreSQL database."""

from runners.storage.engines import GRACE_S, HEARTBEAT_S
from runners.storage.failures import errors
from runners.storage.opening import observed, opened
from runners.storage.place import shown

__all__ = ["GRACE_S", "HEARTBEAT_S", "errors", "observed", "opened", "shown"]
