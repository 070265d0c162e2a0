"""Opens the Optuna storage of a search: for its coordinator, or for whoever looks on."""

from __future__ import annotations

import contextlib
import importlib
import warnings
from collections.abc import Iterator
from pathlib import Path

import optuna
from optuna.storages import RDBStorage
from sqlalchemy import event

from runners.records.errors import UserError
from runners.store.connections import lone_engine, reached
from runners.store.location import Database, located, shown
from runners.store.storage_errors import errors
from runners.store.study_lock import StudyLock


@contextlib.contextmanager
def open_storage(place: Path | str, *, study: str) -> Iterator[RDBStorage]:
    """The storage for the block, for one coordinator a study at a time.

    In a PostgreSQL database a lock ensures that, which the server frees when the process dies,
    however it dies. A file is guarded by the lock of its run folder (`lock_run_folder`). Only the
    holder of the lock ends trials: any that is RUNNING when the block starts is dead, whatever its
    heartbeat says. Heartbeats are for those without the lock: for observers, and for a takeover
    where the lock cannot see, such as run folders on network disks. `Study.optimize` alone sends
    them by itself; after `Study.ask` they are the caller's to send.

    Args:
        place: a SQLite file, made when it does not exist, or a URL (`sqlite:///FILE`,
            `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`; the password may also come from
            PGPASSWORD or ~/.pgpass). The database must exist; its tables are made.
        study: the name of the study.

    Raises:
        UserError: the place cannot be used, or another process is at work on the study. What is
            raised inside the block passes as it is: `errors` turns it into one line.
    """
    where = located(place)
    with contextlib.ExitStack() as stack:
        with _explained(place):
            if isinstance(where, Path):
                storage = stack.enter_context(_closing(reached(where, make_tables=True)))
            else:
                lock = StudyLock(lone_engine(where), study)
                stack.callback(lock.release)
                lock.acquire()
                with lock.tables():
                    storage = stack.enter_context(_closing(reached(where, make_tables=True)))
                event.listen(storage.engine, "checkout", lock.keep)
        # What Optuna warns of at each ask is known: see above.
        warnings.filterwarnings("ignore", "Heartbeat of storage is supposed to be used with")
        yield storage


@contextlib.contextmanager
def open_storage_readonly(place: Path | str) -> Iterator[RDBStorage]:
    """A storage that is there already, beside whoever is at work on it; nothing is made.

    Raises:
        UserError: the place cannot be used, or holds no storage.
    """
    where = located(place)
    # SQLite would make the file.
    if isinstance(where, Path) and not where.is_file():
        raise UserError(f"no study in {where.parent}: {where.name} is missing")
    with contextlib.ExitStack() as stack:
        with _explained(place):
            storage = stack.enter_context(_closing(reached(where, make_tables=False)))
        yield storage


@contextlib.contextmanager
def _closing(storage: RDBStorage) -> Iterator[RDBStorage]:
    try:
        yield storage
    finally:
        storage.remove_session()
        storage.engine.dispose()


@contextlib.contextmanager
def _explained(place: Path | str) -> Iterator[None]:
    """What can be wrong with a place when it is opened, and what to do."""
    if isinstance(located(place), Database):
        try:
            importlib.import_module("psycopg")
        except ImportError as error:  # or it finds no libpq
            raise UserError(
                f"cannot use {shown(place)}: its driver psycopg is not installed; "
                "pip install 'lolvit-bench[postgres]'"
            ) from error
    try:
        with errors(place, kept=""):
            yield
    except RuntimeError as error:  # Optuna's, for tables that it cannot use
        if "storage upgrade" in str(error):
            address = f"{'sqlite:///' if isinstance(place, Path) else ''}{shown(place)}"
            remedy = f"make a copy, then: optuna storage upgrade --storage '{address}'"
        else:
            remedy = "pip install -U optuna"
        raise UserError(
            f"cannot use {shown(place)}: made by an Optuna that version {optuna.__version__} "
            f"is not compatible with; {remedy}"
        ) from error
