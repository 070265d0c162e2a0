"""Paths that can be stored, printed and opened; others are refused before any work."""

from __future__ import annotations

import os
from pathlib import Path
from unicodedata import category

from runners.records.errors import UserError

LONGEST_OF_STUDY = 480
"""Bytes of a path with a study below it: SQLite opens 511, with names of its own appended."""
_LONGEST_NAME, _LONGEST_PATH = 255, 4000
"""Bytes, of common file systems and of Linux, which counts the end of a path too."""
_LONGEST_PRINTED = 100


def check_path(
    path: Path, longest: int = _LONGEST_PATH, error: type[UserError] = UserError
) -> None:
    """Raise unless a path, made absolute, is UTF-8 on one line and short enough.

    Args:
        path: of a file or folder that may exist or not.
        longest: bytes that it may have.
        error: what to raise.

    Raises:
        UserError: or `error`; the message names the path on one short line.
    """
    whole = os.path.abspath(path)
    size = len(os.fsencode(whole))
    name = max(len(os.fsencode(part)) for part in whole.split(os.sep))
    try:
        whole.encode()
    except UnicodeEncodeError:
        raise error(f"the path {printable(whole)} is not in UTF-8; rename it") from None
    if any(map(_is_control, whole)):
        raise error(
            f"the path {printable(whole)} has a line break or another control character; rename it"
        )
    if size > longest or name > _LONGEST_NAME:
        raise error(
            f"the path {printable(whole)} is too long: it has {size:,} bytes with names of up to "
            f"{name:,}, but {longest:,} and {_LONGEST_NAME} are possible here; use a shorter one"
        )


def printable(path: Path | str) -> str:
    """A path on one line, with escapes for what cannot be printed, and not too long."""
    text = str(path).encode("utf-8", "backslashreplace").decode()
    text = "".join(
        mark.encode("unicode_escape").decode() if _is_control(mark) else mark for mark in text
    )
    if len(text) <= _LONGEST_PRINTED:
        return text
    half = _LONGEST_PRINTED // 2
    return f"{text[:half]}...{text[-half:]}"


def _is_control(mark: str) -> bool:
    """Whether it is a control character or separates lines."""
    return category(mark) in ("Cc", "Zl", "Zp")
