"""Where the trials of a search are kept: a SQLite file or a PostgreSQL database."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from runners.records.errors import UserError

_FILE = "sqlite:///"
_POSTGRES = ("postgresql", "postgres", "postgresql+psycopg")
_POSSIBLE = f"a file ({_FILE}FILE) or postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
_SECRETS = ("password", "sslpassword")


@dataclass(frozen=True)
class Database:
    """A PostgreSQL database: its address without secrets, and the secrets apart.

    What is told apart cannot be printed by mistake: neither by Optuna, which keeps the address as
    text, nor by SQLAlchemy.
    """

    url: URL
    secrets: dict[str, str]

    def __repr__(self) -> str:
        return f"Database({self.url})"


def located(place: Path | str) -> Path | Database:
    """The file or the database that is meant.

    Raises:
        UserError: another kind of storage, or no URL that can be read.
    """
    if isinstance(place, Path):
        return place
    scheme, separator, rest = place.partition("://")
    if place.startswith(_FILE):
        file, _, options = place.removeprefix(_FILE).partition("?")
        if options or not file or file == ":memory:":
            raise UserError(f"cannot use {shown(place)}: write {_FILE}FILE, without options")
        return Path(file)
    if not separator or scheme not in _POSTGRES:
        raise UserError(f"cannot use {shown(place)}: a storage is {_POSSIBLE}")
    url = _read(f"postgresql+psycopg://{rest}")
    if url is None:
        raise UserError(
            f"cannot use {shown(place)}: no such URL; write postgresql://USER:PASSWORD"
            "@HOST:PORT/DATABASE, and in the password %40 for @, %3A for :, %2F for /"
        )
    given = {name: url.query[name] for name in _SECRETS if name in url.query}
    if url.password is not None:
        given["password"] = str(url.password)
    bare = URL.create(url.drivername, url.username, None, url.host, url.port, url.database)
    bare = bare.set(query=url.query).difference_update_query(_SECRETS)
    return Database(bare, {name: _one(value) for name, value in given.items()})


def shown(place: Path | str) -> str:
    """The place as it may be printed: three stars for the password.

    Rather too many than too few: what a misplaced @ leaves unclear counts as password.
    """
    if isinstance(place, Path):
        return str(place)
    text = re.sub(rf"(?i)([?&](?:{'|'.join(_SECRETS)})=)[^&]*", r"\1***", place)
    return re.sub(r"(?s)(://[^:@/?]*):.*@", r"\1:***@", text)


def _read(text: str) -> URL | None:
    # An @ too many would make the rest of a password a host, which errors name.
    if text.count("@") > 1:
        return None
    try:
        url = make_url(text)
    except (ArgumentError, ValueError):  # ValueError: the port is no number
        return None
    return url if url.port is None or 0 < url.port < 2**16 else None


def _one(value: str | tuple[str, ...]) -> str:
    return value if isinstance(value, str) else value[-1]
