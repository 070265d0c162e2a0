"""The Optuna storage of a search: a SQLite file or a PostgreSQL database."""

from runners.store.connections import GRACE_S, HEARTBEAT_S
from runners.store.location import shown
from runners.store.storage import observed, opened
from runners.store.storage_errors import errors

__all__ = ["GRACE_S", "HEARTBEAT_S", "errors", "observed", "opened", "shown"]
