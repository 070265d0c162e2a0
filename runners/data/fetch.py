"""Fetch a named data set into the cache: each source in turn, until one delivers what is pinned."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
import urllib.error
from collections.abc import Sequence
from http.client import HTTPException
from pathlib import Path

from filelock import FileLock

from runners.data import idx
from runners.data.cache import cache_folder, fault
from runners.data.catalogue import entry_of
from runners.data.download import Progress
from runners.data.obtain import obtain
from runners.data.sources import PINS, SOURCES, Form, Source
from runners.records.errors import DataError

__all__ = ["cache_folder", "fetch", "fetch_from"]


def fetch(name: str, progress: Progress | None = None) -> Path:
    """Make sure that the data set `name` is in the cache, whole; return its folder.

    Args:
        name: a name of the catalogue that is not embedded.
        progress: called with what is going on, bytes so far, bytes in all (or None).

    Raises:
        DataError: unknown or embedded name, a cache folder that cannot be written, or every source
            failed (the message lists each with its reason).
        OSError: the disk is full.
    """
    if not entry_of(name).fetched:
        raise DataError(f"data set {name} ships with the project; there is nothing to fetch")
    return fetch_from(SOURCES[name], PINS[name], cache_folder() / name, progress)


def fetch_from(
    sources: Sequence[Source], pins: dict[str, str], folder: Path, progress: Progress | None = None
) -> Path:
    """Make `folder` hold plain IDX files that match `pins`, from the first of `sources` that can.

    Args:
        sources: places to try, in order.
        pins: SHA-256 (hex) of each part as a plain IDX file, in the order of assemble.PARTS.
        folder: where the data set goes; its parent is the cache.
        progress: as for fetch.

    Raises:
        DataError: every source failed, or the cache cannot be written.
        OSError: the disk is full.
    """
    if not fault(folder, pins):
        return folder
    kept = folder.with_name(f".{folder.name}.downloads")
    try:
        kept.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.with_name(f".{folder.name}.lock"))
        lock.acquire()
    except OSError as error:
        _raise_if_full(error)
        raise DataError(
            f"cannot write to {folder.parent}: {error.strerror}; set LOLVIT_DATA to another folder"
        ) from error
    try:
        # Another process may have fetched it while this one waited for the lock.
        if fault(folder, pins):
            _try_each(sources, pins, folder, kept, progress)
        shutil.rmtree(kept, ignore_errors=True)
    finally:
        lock.release()
    return folder


def _try_each(
    sources: Sequence[Source],
    pins: dict[str, str],
    folder: Path,
    kept: Path,
    progress: Progress | None,
) -> None:
    kept.mkdir(exist_ok=True)
    reasons = []
    for source in sources:
        with tempfile.TemporaryDirectory(dir=kept, prefix="work-") as temporary:
            work, fresh = Path(temporary, "work"), Path(temporary, "fresh")
            work.mkdir()
            fresh.mkdir()
            try:
                raw = obtain(source, kept, work, progress)
                _convert(source, raw, fresh, list(pins))
                if wrong := fault(fresh, pins):
                    raise DataError(f"after conversion, {wrong}")
                if folder.exists():
                    shutil.rmtree(folder)
                os.replace(fresh, folder)
                return
            except (DataError, OSError, HTTPException) as error:
                _raise_if_full(error)
                reasons.append(f"{source}: {_reason(error)}")
    listed = "; ".join(f"({number}) {reason}" for number, reason in enumerate(reasons, 1))
    raise DataError(f"could not fetch {folder.name} from any source: {listed}")


def _convert(source: Source, raw: Path, into: Path, parts: list[str]) -> None:
    """Write the raw files of `source` to `into` as plain IDX files named after `parts`."""
    targets = [into / f"{part}.idx" for part in parts]
    if source.form is Form.GZIPPED_IDX:
        for file, target in zip(source.files, targets, strict=True):
            target.write_bytes(idx.content(raw / file.name))
        return
    from runners.data import cifar

    read = cifar.from_binary if source.form is Form.CIFAR_BINARY else cifar.from_sheets
    for array, target in zip(read(raw / source.files[0].name), targets, strict=True):
        idx.write(target, array)


def _raise_if_full(error: Exception) -> None:
    """A full disk is no fault of a source: trying the next one would only fill it again."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        raise error


def _reason(error: Exception) -> str:
    """What went wrong, on one line."""
    if isinstance(error, urllib.error.HTTPError):
        return f"HTTP {error.code} {error.reason}"
    cause = error.reason if isinstance(error, urllib.error.URLError) else error
    return " ".join(str(cause).split()) or type(cause).__name__
