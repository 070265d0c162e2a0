"""SQLite files: connect to them, to write or only to read, and look for results. No Optuna."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from urllib.parse import quote

_BUSY_S = 60
_RESULTS = (
    "SELECT 1 FROM trials WHERE state != 'WAITING'",
    "SELECT 1 FROM study_user_attributes WHERE key = 'costs'",
)


def connect_sqlite(file: Path) -> sqlite3.Connection:
    """Connect to a SQLite file.

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


def connect_sqlite_readonly(file: Path) -> sqlite3.Connection:
    """Connect to a SQLite file without changing it or making files beside it.

    Without a write-ahead log no process writes, and SQLite need not make one to look after.
    """
    is_used = file.with_name(f"{file.name}-wal").exists()
    options = "mode=ro" if is_used else "mode=ro&immutable=1"
    url = f"file:{quote(str(file.absolute()))}?{options}"
    return sqlite3.connect(url, uri=True, timeout=_BUSY_S, check_same_thread=False)


def has_results(file: Path) -> bool:
    """Whether a SQLite file holds measured costs, or trials that have started."""
    if not file.is_file():
        return False
    with contextlib.closing(connect_sqlite_readonly(file)) as connection:
        try:
            if not connection.execute("SELECT 1 FROM sqlite_master").fetchone():
                return False
            return any(connection.execute(query).fetchone() for query in _RESULTS)
        except sqlite3.Error:  # another program's, or damaged: better kept
            return True
