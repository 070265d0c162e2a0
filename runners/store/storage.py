"""Open the Optuna storage of a study: for its coordinator, or for those who only read it."""

from __future__ import annotations

import contextlib
import functools
import importlib
import sqlite3
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import optuna
from optuna.exceptions import ExperimentalWarning, StorageInternalError
from optuna.storages import RDBStorage
from sqlalchemy import create_engine, event
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from runners.records.errors import UserError, first_line
from runners.store.location import Database, parse_location, redact
from runners.store.sqlite_file import connect_sqlite, connect_sqlite_readonly
from runners.store.study_lock import StudyLock

HEARTBEAT_S = 60
"""How often a coordinator calls `storage.record_heartbeat(trial_id)` for its running trials."""
GRACE_S = 180
"""After so long without one, `optuna.storages.fail_stale_trials` takes a trial for dead."""

# The client's, for a server that vanished; those in the URL take precedence.
_CONNECTION = {
    "application_name": "lolvit-bench",
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}


@contextlib.contextmanager
def open_storage(location: Path | str, *, study: str) -> Iterator[RDBStorage]:
    """Yield the storage, for one coordinator a study at a time.

    In a PostgreSQL database a lock ensures that, which the server frees when the process dies,
    however it dies. A file is guarded by the lock of its run folder (`lock_run_folder`). Only the
    holder of the lock ends trials: any that is RUNNING when the block starts is dead, whatever its
    heartbeat says. Heartbeats are for those without the lock: for observers, and for a takeover
    where the lock cannot see, such as run folders on network disks. `Study.optimize` alone sends
    them by itself; after `Study.ask` they are the caller's to send.

    Args:
        location: a SQLite file, made when it does not exist, or a URL (`sqlite:///FILE`,
            `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`; the password may also come from
            PGPASSWORD or ~/.pgpass). The database must exist; its tables are made.
        study: the name of the study.

    Raises:
        UserError: the location cannot be used, or another process is using the study. What is
            raised inside the block passes unchanged: `translate_errors` makes it one line.
    """
    parsed = parse_location(location)
    with contextlib.ExitStack() as stack:
        with _explain_opening(location):
            if isinstance(parsed, Path):
                storage = stack.enter_context(_connect(parsed, make_tables=True))
            else:
                # Its connections are closed or lent by no pool and kept open by no transaction.
                engine = create_engine(
                    parsed.url,
                    poolclass=NullPool,
                    isolation_level="AUTOCOMMIT",
                    connect_args=_connect_args(parsed),
                )
                lock = StudyLock(engine, study)
                stack.callback(lock.release)
                lock.acquire()
                with lock.tables():
                    storage = stack.enter_context(_connect(parsed, make_tables=True))
                event.listen(storage.engine, "checkout", lock.keep)
        # Optuna warns at each ask; heartbeats are sent as described above.
        warnings.filterwarnings("ignore", "Heartbeat of storage is supposed to be used with")
        yield storage


@contextlib.contextmanager
def open_storage_readonly(location: Path | str, *, is_live: bool = False) -> Iterator[RDBStorage]:
    """Yield an existing storage, also while a coordinator uses it; nothing is made or changed.

    Args:
        location: as for `open_storage`.
        is_live: whether to see what is stored from now on, too. SQLite opens such a file for
            writing, since readers take part in its write-ahead log.

    Raises:
        UserError: the location cannot be used, or holds no storage.
    """
    parsed = parse_location(location)
    if isinstance(parsed, Path):
        if not parsed.is_file():  # SQLite would make the file
            raise UserError(f"no study in {parsed.parent}: {parsed.name} is missing")
        _require_tables(parsed)
    connect = connect_sqlite if is_live else connect_sqlite_readonly
    with contextlib.ExitStack() as stack:
        with _explain_opening(location):
            storage = stack.enter_context(_connect(parsed, make_tables=False, connect=connect))
        yield storage


def _require_tables(file: Path) -> None:
    with (
        translate_errors(file, note=""),
        contextlib.closing(connect_sqlite_readonly(file)) as connection,
    ):
        if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'studies'").fetchone():
            raise UserError(f"{file} holds no study")


@contextlib.contextmanager
def translate_errors(
    location: Path | str, *, note: str = "; finished trials in it are kept"
) -> Iterator[None]:
    """Turn what a storage raises inside the block into a UserError that ends with `note`.

    Its message holds no secrets of the location.
    """
    try:
        yield
    except Exception as error:
        is_storage_error = isinstance(error, (SQLAlchemyError, StorageInternalError, sqlite3.Error))
        # The driver is optional, so its classes cannot be named here.
        if not is_storage_error and not type(error).__module__.startswith("psycopg."):
            raise
        cause: BaseException = error  # Optuna and SQLAlchemy wrap the driver's message
        if isinstance(cause, StorageInternalError) and cause.__cause__ is not None:
            cause = cause.__cause__
        if isinstance(cause, DBAPIError) and cause.orig is not None:
            cause = cause.orig
        reason = first_line(cause)
        parsed = parse_location(location)
        # No driver is known to repeat a password, but a later one might.
        for secret in filter(None, parsed.secrets.values() if isinstance(parsed, Database) else ()):
            reason = reason.replace(secret, "***")
        raise UserError(f"cannot use {redact(location)}: {reason}{note}") from error


@contextlib.contextmanager
def _explain_opening(location: Path | str) -> Iterator[None]:
    """Turn what opening a storage raises inside the block into a UserError with a remedy."""
    if isinstance(parse_location(location), Database):
        try:
            importlib.import_module("psycopg")
        except ImportError as error:  # or it finds no libpq
            raise UserError(
                f"cannot use {redact(location)}: its driver psycopg is not installed; "
                "pip install 'lolvit-bench[postgres]'"
            ) from error
    try:
        with translate_errors(location, note=""):
            yield
    except RuntimeError as error:  # Optuna's, for tables that it cannot use
        if "storage upgrade" in str(error):
            address = f"{'sqlite:///' if isinstance(location, Path) else ''}{redact(location)}"
            remedy = f"make a copy, then: optuna storage upgrade --storage '{address}'"
        else:
            remedy = "pip install -U optuna"
        raise UserError(
            f"cannot use {redact(location)}: made by an Optuna that version {optuna.__version__} "
            f"is not compatible with; {remedy}"
        ) from error


@contextlib.contextmanager
def _connect(
    parsed: Path | Database,
    *,
    make_tables: bool,
    connect: Callable[[Path], sqlite3.Connection] | None = None,
) -> Iterator[RDBStorage]:
    """Yield the storage and close it; raises whatever Optuna, SQLAlchemy or the driver raise.

    `connect`, by default `connect_sqlite`, opens a file.
    """
    engine: dict[str, Any]
    if isinstance(parsed, Path):
        url = f"sqlite:///{quote(str(parsed))}"
        engine = {"creator": functools.partial(connect or connect_sqlite, parsed.absolute())}
    else:
        url = parsed.url.render_as_string(hide_password=False)
        # Pings before each use, so that the next call after a restart of the server works.
        engine = {"pool_pre_ping": True, "connect_args": _connect_args(parsed)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ExperimentalWarning)
        storage = RDBStorage(
            # Optuna takes the URL for a template.
            url.replace("{", "{{").replace("}", "}}"),
            engine_kwargs=engine,
            heartbeat_interval=HEARTBEAT_S,
            grace_period=GRACE_S,
            skip_table_creation=not make_tables,
        )
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()


def _connect_args(database: Database) -> dict[str, Any]:
    """Arguments of the driver: the default of each one that the URL does not set, and secrets."""
    defaults = {
        name: value for name, value in _CONNECTION.items() if name not in database.url.query
    }
    return defaults | database.secrets
