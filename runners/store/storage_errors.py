"""What goes wrong with a storage, as one line that holds no password."""

from __future__ import annotations

import contextlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from optuna.exceptions import StorageInternalError
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from runners.records.errors import UserError, first_line
from runners.store.location import Database, located, shown


@contextlib.contextmanager
def errors(place: Path | str, *, kept: str = "finished trials in it are kept") -> Iterator[None]:
    """Turn what the storage raises inside the block into a UserError.

    Args:
        place: as given to `open_storage`.
        kept: what the user need not fear; ends the message.
    """
    try:
        yield
    except (SQLAlchemyError, StorageInternalError, sqlite3.Error) as error:
        raise UserError(failure(place, error, kept)) from error
    except Exception as error:
        # The driver is optional, so its classes cannot be named here.
        if not type(error).__module__.startswith("psycopg."):
            raise
        raise UserError(failure(place, error, kept)) from error


def failure(place: Path | str, error: BaseException, kept: str = "") -> str:
    """The line that says what is wrong with a place."""
    reason = _without_secrets(first_line(_innermost(error)), place)
    return f"cannot use {shown(place)}: {reason}" + (f"; {kept}" if kept else "")


def _innermost(error: BaseException) -> BaseException:
    """The driver's own words: Optuna and SQLAlchemy wrap them in general ones."""
    if isinstance(error, StorageInternalError) and error.__cause__ is not None:
        error = error.__cause__
    if isinstance(error, DBAPIError) and error.orig is not None:
        error = error.orig
    return error


def _without_secrets(text: str, place: Path | str) -> str:
    """No driver is known to repeat a password; none shall begin to."""
    where = located(place)
    secrets = where.secrets.values() if isinstance(where, Database) else ()
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return text
