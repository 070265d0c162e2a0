"""Fetched data sets on disk: one folder each, four plain IDX files, pinned by SHA-256."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from runners.data.sources import PINS
from runners.records.errors import DataError

if TYPE_CHECKING:
    from runners.data.assemble import Arrays


def cache_folder() -> Path:
    """$LOLVIT_DATA if set, else lolvit-bench in the user's cache folder of this platform."""
    if named := os.environ.get("LOLVIT_DATA"):
        return Path(named).expanduser().absolute()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        base = "~/Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(base).expanduser() / "lolvit-bench"


def is_cached(name: str) -> bool:
    """Whether all files of `name` are there. They arrive by one rename, so that means whole."""
    return all((cache_folder() / name / f"{part}.idx").is_file() for part in PINS[name])


def fault(folder: Path, pins: dict[str, str]) -> str:
    """What is wrong with the files of a data set in `folder`, in words; "" if they match `pins`."""
    for part, pin in pins.items():
        path = folder / f"{part}.idx"
        try:
            with path.open("rb") as stream:
                digest = digest_of(stream.read, "sha256")
        except OSError as error:
            return f"{path}: {error.strerror}"
        if digest != pin:
            return f"{path} has SHA-256 {digest[:12]}..., not {pin[:12]}..."
    return ""


def digest_of(read: Callable[[int], bytes], algorithm: str) -> str:
    """Digest (hex) of a stream, one MiB at a time; `read` is its method."""
    digest = hashlib.new(algorithm, usedforsecurity=False)
    while block := read(2**20):
        digest.update(block)
    return digest.hexdigest()


def read_cached(name: str) -> Arrays:
    """The arrays of the fetched data set `name`; DataError if a file is missing or changed."""
    from runners.data.assemble import arrays_of

    contents, paths = [], []
    for part, pin in PINS[name].items():
        path = cache_folder() / name / f"{part}.idx"
        try:
            data = path.read_bytes()
        except OSError as error:
            raise DataError(
                f"cannot read {path}: {error.strerror}; run: bench.py data fetch {name}"
            ) from error
        if hashlib.sha256(data).hexdigest() != pin:
            raise DataError(
                f"{path} is damaged (checksum differs); run: bench.py data fetch {name}"
            )
        contents.append(data)
        paths.append(path)
    return arrays_of(contents, paths)
