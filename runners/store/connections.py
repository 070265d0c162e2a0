"""How Optuna's storage reaches a SQLite file or a PostgreSQL database."""

from __future__ import annotations

import functools
import sqlite3
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import quote

from optuna.exceptions import ExperimentalWarning
from optuna.storages import RDBStorage
from sqlalchemy import Engine, create_engine
from sqlalchemy.pool import NullPool

from runners.store.location import Database

HEARTBEAT_S = 60
"""How often a coordinator calls `storage.record_heartbeat(trial_id)` for its running trials."""
GRACE_S = 180
"""After so long without one, `optuna.storages.fail_stale_trials` takes a trial for dead."""

_BUSY_S = 60
# Of the client, for a server that vanished; whoever gives others in the URL gets those.
_CONNECTION = {
    "application_name": "lolvit-bench",
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}


def reached(where: Path | Database, *, make_tables: bool) -> RDBStorage:
    """The storage; raises whatever Optuna, SQLAlchemy or the driver raise."""
    engine: dict[str, Any]
    if isinstance(where, Path):
        url = f"sqlite:///{quote(str(where))}"
        engine = {"creator": functools.partial(connect, str(where.absolute()))}
    else:
        url = where.url.render_as_string(hide_password=False)
        # Asked before each use, so that the next call after a restart of the server works.
        engine = {"pool_pre_ping": True, "connect_args": _arguments(where)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        return RDBStorage(
            # Optuna takes the URL for a template.
            url.replace("{", "{{").replace("}", "}}"),
            engine_kwargs=engine,
            heartbeat_interval=HEARTBEAT_S,
            grace_period=GRACE_S,
            skip_table_creation=not make_tables,
        )


def lone_engine(database: Database) -> Engine:
    """An engine whose connections no pool closes or lends, and no transaction keeps open."""
    return create_engine(
        database.url,
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args=_arguments(database),
    )


def connect(file: str) -> sqlite3.Connection:
    """A connection to a SQLite file.

    The engine's creator and not a listener: Optuna makes engine and tables in one go, too early for
    a listener to be there.
    """
    # SQLAlchemy's pool gives a connection to one thread at a time.
    connection = sqlite3.connect(file, timeout=_BUSY_S, check_same_thread=False)
    # Readers do not wait for the writer, and a commit costs no sync: what is written survives the
    # death of all processes, kill -9 included. A power cut can lose the last commits, never more.
    # Not on every file system: without shared memory the mode stays what it was, and so does sync.
    try:
        if connection.execute("PRAGMA journal_mode=WAL").fetchone() == ("wal",):
            connection.execute("PRAGMA synchronous=NORMAL")
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _arguments(database: Database) -> dict[str, Any]:
    given = {name: value for name, value in _CONNECTION.items() if name not in database.url.query}
    return given | database.secrets
