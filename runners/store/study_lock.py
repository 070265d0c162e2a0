"""One coordinator a study, by a lock that the PostgreSQL server frees when its holder dies."""

from __future__ import annotations

import contextlib
import hashlib
import os
import selectors
import threading
import time
import weakref
from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from runners.records.errors import UserError

PATIENCE_S = 5.0
"""How long the server may take to notice that the last holder was killed."""

_RETRY_S = 0.2
_TABLES_S = 60
_locks: weakref.WeakSet[StudyLock] = weakref.WeakSet()
# The server's side, where a lock outlives a host that vanished: freed after 30 + 3 x 10 s. What the
# client asks for by `keepalives_idle` would only tell the client that the server is gone.
_KEEPALIVES = """
SELECT set_config('tcp_keepalives_idle', '30', false),
       set_config('tcp_keepalives_interval', '10', false),
       set_config('tcp_keepalives_count', '3', false)
"""


class StudyLock:
    """A session-level advisory lock, held on a connection of its own.

    Locks belong to one database of a server, and to one session: a pooler in between must not be
    in transaction mode.

    Args:
        engine: makes the connection; not the storage's, whose connections come and go.
        study: the name of the study.
    """

    def __init__(self, engine: Engine, study: str) -> None:
        self._engine, self._study = engine, study
        self._connection: Connection | None = None
        self._mutex = threading.Lock()
        _locks.add(self)

    def acquire(self) -> None:
        """Take the lock, waiting a few seconds for a holder that was just killed.

        Raises:
            UserError: another process has it.
            SQLAlchemyError: the database cannot be used.
        """
        self._connection = self._engine.connect()
        self._connection.execute(text(_KEEPALIVES))
        end = time.monotonic() + PATIENCE_S
        while not self._ask("SELECT pg_try_advisory_lock(:key)", _key(f"study {self._study}")):
            if time.monotonic() > end:
                self.release()
                raise UserError(f"another process is using study {self._study}")
            time.sleep(_RETRY_S)

    def release(self) -> None:
        """Give the lock back; a connection that is lost has done so already."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(SQLAlchemyError):
                connection.close()

    def keep(self, *_: Any) -> None:
        """Check that this process still has the lock; take it again after a restart of the server.

        Meant for the storage engine's `checkout` event: nothing is then read or written without the
        lock. It sends the server no message until something comes from it.

        Raises:
            UserError: another process took over meanwhile.
            SQLAlchemyError: the database cannot be used.
        """
        with self._mutex:
            if self._connection is not None and not self._has_input():
                return
            try:
                self._ask("SELECT 1")
            except SQLAlchemyError:
                self.release()
                self.acquire()

    @contextlib.contextmanager
    def tables(self) -> Iterator[None]:
        """One process at a time makes the tables of a database, whatever its study."""
        self._ask(f"SELECT set_config('lock_timeout', '{_TABLES_S}s', false)")
        self._ask("SELECT pg_advisory_lock(:key)", _key("tables"))
        yield
        self._ask("SELECT pg_advisory_unlock(:key)", _key("tables"))

    def forget(self) -> None:
        """Close a forked child's copy of the connection, which would keep its parent's lock."""
        if self._connection is not None:
            with contextlib.suppress(SQLAlchemyError, OSError):
                null = os.open(os.devnull, os.O_RDWR)
                os.dup2(null, self._driver().fileno())
                os.close(null)

    def _ask(self, statement: str, key: int | None = None) -> Any:
        if self._connection is None:  # a former `keep` failed to take it again
            raise SQLAlchemyError("not connected")
        parameters = {} if key is None else {"key": key}
        return self._connection.execute(text(statement), parameters).scalar()

    def _has_input(self) -> bool:
        """Whether the server sent anything: unasked, it only announces its end."""
        driver = self._driver()
        if driver.closed:
            return True
        with selectors.DefaultSelector() as selector:
            selector.register(driver.fileno(), selectors.EVENT_READ)
            return bool(selector.select(0))

    def _driver(self) -> Any:
        assert self._connection is not None
        return self._connection.connection.driver_connection


def _key(name: str) -> int:
    """The same in every process, unlike `hash`; 64 bits with a sign, as the server wants it."""
    digest = hashlib.sha256(f"lolvit-bench {name}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)


def _forget_all() -> None:
    for lock in list(_locks):
        lock.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_all)
