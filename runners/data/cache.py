"""Fetched data sets on disk: a folder of four plain IDX files each, verified by SHA-256."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from runners.data.sources import PINS
from runners.records.errors import DataError


def cache_folder() -> Path:
    """$LOLVIT_DATA if set, else lolvit-bench in the user's cache folder of this platform."""
    if folder := os.environ.get("LOLVIT_DATA"):
        return Path(folder).expanduser().absolute()
    from platformdirs import user_cache_path

    # Without opinion: on Windows the folder itself, without a subfolder "Cache".
    return user_cache_path("lolvit-bench", appauthor=False, opinion=False).expanduser()


def is_cached(name: str) -> bool:
    """Whether all files of `name` exist; they are put there together, by one rename."""
    return all((cache_folder() / name / file).is_file() for file in PINS[name])


def read_verified(folder: Path, pins: Mapping[str, str], remedy: str = "") -> dict[Path, bytes]:
    """Read files in `folder`, by name and SHA-256 (hex); `remedy` ends the message of an error.

    Raises:
        DataError: a file is missing, cannot be read, or does not match its pin; one line names it.
    """
    contents = {}
    for name, pin in pins.items():
        path = folder / name
        try:
            contents[path] = path.read_bytes()
        except OSError as error:
            raise DataError(f"cannot read {path}: {error.strerror}{remedy}") from error
        digest = hashlib.sha256(contents[path]).hexdigest()
        if digest != pin:
            raise DataError(
                f"{path} is damaged: SHA-256 {digest[:12]}..., not {pin[:12]}...{remedy}"
            )
    return contents


def read_cached(name: str) -> dict[Path, bytes]:
    """The files of the fetched data set `name`; DataError if one is missing or changed."""
    return read_verified(cache_folder() / name, PINS[name], f"; run: bench.py data fetch {name}")
