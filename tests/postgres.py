"""A PostgreSQL server of one's own: on 127.0.0.1, in a temporary folder, gone at the end."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

USER = "keeper"
# All that means something in a URL, in an Optuna URL template or in an alembic file.
PASSWORD = "s3cret @/:?#%41%s{SCHEMA_VERSION}{}&=+\"'\\ü"

_PATIENCE_S = 60
# The shell outlives whoever started it and notices their end, however it comes, as the end of its
# input. A word on the input says that the data are still needed: an orderly end writes them all.
_GUARD = """
folder=$1; shift
"$@" & server=$!
read -r word
if [ "$word" = keep ]; then kill -INT $server; else kill -QUIT $server; fi
wait $server
[ "$word" = keep ] || rm -rf "$folder"
"""


class Missing(Exception):
    """There is no server on this machine; the message says what was looked for."""


class Postgres:
    """A running server; made by `running`."""

    def __init__(self, binaries: Path, folder: Path, account: dict[str, Any]) -> None:
        self._binaries, self._folder, self._account = binaries, folder, account
        self._numbers = itertools.count()
        self._guard: subprocess.Popen[bytes] | None = None
        self.port = 0

    def url(self, database: str = "postgres", password: str | None = PASSWORD) -> str:
        """The address of a database, with the superuser's name."""
        secret = "" if password is None else ":" + quote(password, safe="")
        return f"postgresql://{USER}{secret}@127.0.0.1:{self.port}/{database}"

    def new_database(self) -> str:
        """The URL of a database that nobody used yet."""
        name = f"fresh_{next(self._numbers)}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def execute(self, statement: str, database: str = "postgres") -> list[tuple[Any, ...]]:
        """Run one statement as the superuser; its rows."""
        with self._connect(database) as connection:
            cursor = connection.execute(statement)
            return cursor.fetchall() if cursor.description else []

    def restart(self) -> None:
        """Cut all connections, as an administrator would; the data stay."""
        self.stop(keep=True)
        self.start()

    def initialise(self) -> None:
        secret = self._folder / "password"
        secret.write_text(PASSWORD + "\n", encoding="utf-8")
        if self._account:
            shutil.chown(self._folder, self._account["user"], self._account["group"])
        secret.chmod(0o644)
        command = [self._binaries / "initdb", "--pgdata", self._data, "--username", USER]
        # Without this, a third of the time to start goes into syncing what nobody has used yet.
        command += ["--pwfile", secret, "--auth=scram-sha-256", "--no-sync", "--encoding=UTF8"]
        subprocess.run(command, **self._account, check=True, capture_output=True, cwd="/")
        secret.unlink()

    def start(self) -> None:
        for _ in range(5):  # another process may take a free port first
            self.port = self.port or _free_port()
            if self._started():
                return
            self.stop(keep=True)
            self.port = 0
        raise RuntimeError(f"no server: {(self._folder / 'log').read_text()[-2000:]}")

    def stop(self, *, keep: bool) -> None:
        if self._guard is None:
            return
        try:
            self._guard.communicate(b"keep\n" if keep else b"", timeout=_PATIENCE_S)
        except subprocess.TimeoutExpired:
            os.killpg(self._guard.pid, 9)
            self._guard.wait()
        self._guard = None

    def _started(self) -> bool:
        server = [self._binaries / "postgres", "-D", self._data, "-p", str(self.port)]
        server += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        with (self._folder / "log").open("wb") as log:
            self._guard = subprocess.Popen(
                ["/bin/sh", "-c", _GUARD, "sh", self._folder, *server],
                **self._account,
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
                cwd="/",
            )
        end = time.monotonic() + _PATIENCE_S
        while time.monotonic() < end and self._lives():
            with contextlib.suppress(OSError), self._connect("postgres"):
                return True
            time.sleep(0.05)
        return False

    def _lives(self) -> bool:
        """By the server's own lock file; before there is one, by its last words."""
        try:
            os.kill(int((self._data / "postmaster.pid").read_text().splitlines()[0]), 0)
        except (FileNotFoundError, IndexError):
            return "FATAL" not in (self._folder / "log").read_text()
        except ProcessLookupError:
            return False
        return True

    def _connect(self, database: str) -> Any:
        import psycopg

        try:
            return psycopg.connect(self.url(database), autocommit=True, connect_timeout=5)
        except psycopg.OperationalError as error:
            raise ConnectionError(str(error)) from None

    @property
    def _data(self) -> Path:
        return self._folder / "data"


@contextlib.contextmanager
def running() -> Iterator[Postgres]:
    """A server for the block; raises Missing where none can be run."""
    binaries, account = _binaries(), _account()
    # As root, the server runs as another user, who may not enter pytest's temporary folders.
    folder = Path(tempfile.mkdtemp(prefix="postgres-", dir="/tmp" if account else None))
    server = Postgres(binaries, folder, account)
    try:
        server.initialise()
        server.start()
        yield server
    finally:
        server.stop(keep=False)
        shutil.rmtree(folder, ignore_errors=True)


def _binaries() -> Path:
    """The folder of initdb and postgres: of PATH, of pg_config, or of Debian."""
    candidates = [Path(found).parent for found in [shutil.which("initdb")] if found]
    with contextlib.suppress(OSError, subprocess.CalledProcessError):
        asked = subprocess.run(
            ["pg_config", "--bindir"], check=True, capture_output=True, text=True
        )
        candidates.append(Path(asked.stdout.strip()))
    debian = Path("/usr/lib/postgresql").glob("*/bin")
    candidates += sorted(debian, key=lambda path: path.parent.name, reverse=True)
    for folder in candidates:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise Missing("no PostgreSQL server is installed (initdb and postgres)")


def _account() -> dict[str, Any]:
    """Whose processes: the server refuses to be root's."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise Missing("PostgreSQL refuses to run as root, and there is no user postgres or nobody")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
