"""Where a study is stored: a SQLite file or a PostgreSQL database."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from runners.records.errors import UserError
from runners.records.paths import LONGEST_OF_STUDY, check_path

_FILE = "sqlite:///"
_POSTGRES = ("postgresql", "postgres", "postgresql+psycopg")
_POSTGRES_URL = "postgresql://USER:PASSWORD@HOST:PORT/DATABASE"
_SECRETS = ("password", "sslpassword")


@dataclass(frozen=True)
class Database:
    """The address of a PostgreSQL database, and its secrets by name.

    They are kept apart so that neither Optuna, which keeps the address as text, nor SQLAlchemy can
    print a secret.
    """

    url: URL
    secrets: dict[str, str]

    def __repr__(self) -> str:
        return f"Database({self.url})"


def parse_location(location: Path | str) -> Path | Database:
    """The file or the database that a path or a URL means.

    Raises:
        UserError: another kind of storage, or not a valid URL.
    """
    if isinstance(location, Path):
        return location
    scheme, separator, rest = location.partition("://")
    if location.startswith(_FILE):
        file, _, options = location.removeprefix(_FILE).partition("?")
        if options or not file or file == ":memory:":
            raise UserError(f"cannot use {redact(location)}: write {_FILE}FILE, without options")
        check_path(Path(file), LONGEST_OF_STUDY)
        return Path(file)
    if not separator or scheme not in _POSTGRES:
        raise UserError(
            f"cannot use {redact(location)}: a storage is a file ({_FILE}FILE) or {_POSTGRES_URL}"
        )
    try:
        url = make_url(f"postgresql+psycopg://{rest}")
        # An @ too many would make the rest of a password a host, which errors name.
        if rest.count("@") > 1 or not (url.port is None or 0 < url.port < 2**16):
            raise ValueError
    except (ArgumentError, ValueError):  # ValueError: the port is no number
        raise UserError(
            f"cannot use {redact(location)}: it is not a valid URL; write {_POSTGRES_URL}, "
            "and in the password %40 for @, %3A for :, %2F for /"
        ) from None
    secrets = {name: url.query[name] for name in _SECRETS if name in url.query}
    if url.password is not None:
        secrets["password"] = str(url.password)
    bare = URL.create(url.drivername, url.username, None, url.host, url.port, url.database)
    return Database(
        bare.set(query=url.query).difference_update_query(_SECRETS),
        {name: value if isinstance(value, str) else value[-1] for name, value in secrets.items()},
    )


def redact(location: Path | str) -> str:
    """The location as it may be printed: three stars for the password.

    Rather too many than too few: what a misplaced @ leaves unclear counts as password.
    """
    if isinstance(location, Path):
        return str(location)
    text = re.sub(rf"(?i)([?&](?:{'|'.join(_SECRETS)})=)[^&]*", r"\1***", location)
    return re.sub(r"(?s)(://[^:@/?]*):.*@", r"\1:***@", text)
