"""Fetch a data set into the cache: sources are tried in turn until one has the right content."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

from filelock import FileLock

from runners.data import idx
from runners.data.cache import cache_folder, read_verified
from runners.data.catalogue import get_entry
from runners.data.sources import PINS, SOURCES, ArchiveFormat, Method, Source, SourceFile
from runners.records.errors import DataError, first_line

Progress: TypeAlias = Callable[[str, int, "int | None"], None]
"""Called with what is obtained, bytes so far, and bytes in all (None if unknown)."""

_TIMEOUT_S = 30.0
"""Without a byte, until a download fails."""
_COMMAND_TIMEOUT_S = 1800
_CHUNK_BYTES = 2**18


def fetch(name: str, progress: Progress | None = None) -> Path:
    """Get the data set `name` into the cache, unless it is there and valid; return its folder.

    Raises:
        DataError: unknown or embedded name, a cache folder that cannot be written, or every source
            failed (the message lists each with its reason).
        OSError: the disk is full.
    """
    if not get_entry(name).fetched:
        raise DataError(f"data set {name} ships with the project; there is nothing to fetch")
    return fetch_from(SOURCES[name], PINS[name], cache_folder() / name, progress)


def fetch_from(
    sources: Sequence[Source], pins: dict[str, str], folder: Path, progress: Progress | None = None
) -> Path:
    """Fill `folder` with plain IDX files that match `pins`, from the first source that has them.

    The folder appears in one step. What an interrupted call leaves behind, the next one deletes.
    `pins` are SHA-256 (hex) by name of the IDX file, in the order of `Source.files`.

    Raises:
        DataError: every source failed, or the cache cannot be written.
        OSError: the disk is full.
    """
    if _is_valid(folder, pins):
        return folder
    work = folder.with_name(f".{folder.name}.downloads")
    try:
        work.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder.with_name(f".{folder.name}.lock"))
        lock.acquire()
    except OSError as error:
        _raise_if_disk_full(error)
        raise DataError(
            f"cannot write to {folder.parent}: {error.strerror}; set LOLVIT_DATA to another folder"
        ) from error
    try:
        # Another process may have fetched it while this one waited for the lock.
        if not _is_valid(folder, pins):
            _try_sources(sources, pins, folder, work, progress)
    finally:
        shutil.rmtree(work, ignore_errors=True)
        lock.release()
    return folder


def verify(path: Path, file: SourceFile) -> None:
    """DataError unless the file at `path` has the content that `file` declares."""
    if not path.is_file():
        raise DataError(f"there is no {file.name}")
    content = idx.read_content(path) if file.gzipped else path.read_bytes()
    digest = hashlib.new(file.algorithm, content, usedforsecurity=False).hexdigest()
    if digest != file.digest:
        raise DataError(
            f"{file.name} has {file.algorithm} {digest[:12]}..., not {file.digest[:12]}..."
        )


def _try_sources(
    sources: Sequence[Source],
    pins: dict[str, str],
    folder: Path,
    work: Path,
    progress: Progress | None,
) -> None:
    reasons = []
    for source in sources:
        shutil.rmtree(work, ignore_errors=True)
        converted = work / "converted"
        try:
            converted.mkdir(parents=True)
            obtained = _obtain(source, work, progress)
            _convert(source, obtained, [converted / name for name in pins])
            try:
                read_verified(converted, pins)
            except DataError as error:
                raise DataError(f"after conversion, {error}") from error
            if folder.exists():
                shutil.rmtree(folder)
            os.replace(converted, folder)
            return
        except (DataError, OSError) as error:
            _raise_if_disk_full(error)
            reasons.append(f"{source}: {_describe(error)}")
    listed = "; ".join(f"({number}) {reason}" for number, reason in enumerate(reasons, 1))
    raise DataError(f"could not fetch {folder.name} from any source: {listed}")


def _obtain(source: Source, work: Path, progress: Progress | None) -> Path:
    """Get the files of `source`, verified; return the folder that has them."""
    folder = work
    if source.method is not Method.WEB and progress is not None:
        progress(str(source), 0, None)
    if source.method is Method.DEBIAN:
        _run(["apt-get", "download", source.location], work)
        _run(["dpkg-deb", "-x", *(path.name for path in work.glob("*.deb")), "unpacked"], work)
        folder = work / "unpacked" / source.subfolder
    elif source.method is Method.NPM:
        _run(["npm", "pack", source.location, "--ignore-scripts", "--silent"], work)
    elif source.method is Method.INSTALLED:
        folder = Path(source.location)
    for file in source.files:
        if source.method is Method.WEB:
            _download(f"{source.location}/{file.name}", work / file.name, progress)
        verify(folder / file.name, file)
    return folder


def _download(url: str, target: Path, progress: Progress | None) -> None:
    from pooch import HTTPDownloader

    bar = _ProgressBar(url, progress) if progress is not None else False
    # Compressed files need no compression on the way, and sizes are then those of the files.
    headers = {"User-Agent": "lolvit-bench", "Accept-Encoding": "identity"}
    download = HTTPDownloader(
        progressbar=bar, chunk_size=_CHUNK_BYTES, timeout=_TIMEOUT_S, headers=headers
    )
    download(url, str(target), None)


class _ProgressBar:
    """What pooch expects of a progress bar, as calls of a `Progress`."""

    def __init__(self, url: str, progress: Progress) -> None:
        self._url, self._progress = url, progress
        self.total, self._done = 0, 0

    def update(self, count: int) -> None:
        # pooch counts whole chunks, also where the last one is shorter.
        self._done = min(self._done + count, self.total) if self.total else self._done + count
        self._progress(self._url, self._done, self.total or None)

    def reset(self) -> None:
        self._done = 0

    def close(self) -> None:
        pass


def _run(command: Sequence[str], folder: Path) -> None:
    """Run `command` in `folder`; DataError with its last line of output if it fails."""
    if shutil.which(command[0]) is None:
        raise DataError(f"{command[0]} is not installed")
    try:
        result = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_COMMAND_TIMEOUT_S,
        )
    except subprocess.TimeoutExpired:
        raise DataError(f"{command[0]} took longer than {_COMMAND_TIMEOUT_S} s") from None
    if result.returncode:
        lines = (result.stderr.strip() or result.stdout.strip() or "no message").splitlines()
        raise DataError(f"{command[0]} failed: {lines[-1].strip()}")


def _convert(source: Source, folder: Path, targets: list[Path]) -> None:
    """Write the files of `source`, which are in `folder`, to `targets` as plain IDX files."""
    if source.format is ArchiveFormat.GZIPPED_IDX:
        for file, path in zip(source.files, targets, strict=True):
            path.write_bytes(idx.read_content(folder / file.name))
        return
    from runners.data import cifar

    is_binary = source.format is ArchiveFormat.CIFAR_BINARY
    read = cifar.read_binary if is_binary else cifar.read_sheets
    for array, path in zip(read(folder / source.files[0].name), targets, strict=True):
        idx.write(path, array)


def _is_valid(folder: Path, pins: dict[str, str]) -> bool:
    try:
        read_verified(folder, pins)
    except DataError:
        return False
    return True


def _raise_if_disk_full(error: Exception) -> None:
    """A full disk is not the source's fault: trying the next one would only fill it again."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        raise error


def _describe(error: BaseException) -> str:
    """Why a source failed, on one line."""
    response = getattr(error, "response", None)
    if response is not None:  # of an HTTP status that is an error
        return f"HTTP {response.status_code} {response.reason}"
    while not isinstance(error, DataError) and (cause := error.__cause__ or error.__context__):
        error = cause  # requests wraps the error of the connection several times
    return getattr(error, "strerror", None) or first_line(error)
