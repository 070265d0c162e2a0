"""Fetched data sets on disk: a folder of four plain IDX files each, verified by SHA-256."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING

from runners.data.sources import PINS
from runners.records.errors import DataError

if TYPE_CHECKING:
    from runners.data.arrays import DatasetArrays


def cache_folder() -> Path:
    """$LOLVIT_DATA if set, else lolvit-bench in the user's cache folder of this platform."""
    if folder := os.environ.get("LOLVIT_DATA"):
        return Path(folder).expanduser().absolute()
    from platformdirs import user_cache_path

    # Without opinion: on Windows the folder itself, without a subfolder "Cache".
    return user_cache_path("lolvit-bench", appauthor=False, opinion=False).expanduser()


def is_cached(name: str) -> bool:
    """Whether all files of `name` exist; they are put there together, by one rename."""
    return all((cache_folder() / name / f"{part}.idx").is_file() for part in PINS[name])


def read_verified(folder: Path, pins: dict[str, str]) -> dict[Path, bytes]:
    """Read the files of a data set in `folder`, in the order of `pins`.

    Raises:
        DataError: a file is missing, cannot be read, or does not match its pin; one line names it.
    """
    contents = {}
    for part, pin in pins.items():
        path = folder / f"{part}.idx"
        try:
            contents[path] = path.read_bytes()
        except OSError as error:
            raise DataError(f"cannot read {path}: {error.strerror}") from error
        digest = hashlib.sha256(contents[path]).hexdigest()
        if digest != pin:
            raise DataError(f"{path} is damaged: SHA-256 {digest[:12]}..., not {pin[:12]}...")
    return contents


def read_cached(name: str) -> DatasetArrays:
    """The arrays of the fetched data set `name`; DataError if a file is missing or changed."""
    from runners.data.arrays import decode_arrays

    try:
        contents = read_verified(cache_folder() / name, PINS[name])
    except DataError as error:
        raise DataError(f"{error}; run: bench.py data fetch {name}") from error
    return decode_arrays(list(contents.values()), list(contents))
