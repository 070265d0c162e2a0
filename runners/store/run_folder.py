"""The folder of a run: choose it, check it before any work, and lock it while in use."""

from __future__ import annotations

import contextlib
import re
import shutil
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from filelock import FileLock, Timeout

from runners.records.errors import UserError
from runners.records.paths import LONGEST_OF_STUDY, check_path
from runners.store.sqlite_file import has_results

STUDY_FILE = "study.db"
SWEEP_FILE = "sweep.json"
"""Of a sweep: which study it shows, and where that is."""
CHECKPOINTS = "checkpoints"
"""Folder of unfinished trainings."""
_RUNS = Path("runs")
_STAMP, _STAMP_PATTERN = "%Y%m%d-%H%M%S", "????????-??????"
_LOCK_FILE = ".lock"
_LEAST_FREE_BYTES = 16 * 2**20
_LABEL_CHARACTERS = 120  # file systems take 255 bytes


def choose(
    out: Path | None,
    names: Sequence[str],
    *,
    resume: bool | None,
    holds: str = STUDY_FILE,
    or_start: bool = False,
) -> Path:
    """Choose the folder: `out`, a new one below runs/, or with `resume` the newest of these arms.

    Args:
        out: as the user asks for.
        names: what the run is about.
        resume: whether an earlier run continues; None for commands that cannot resume.
        holds: the file that identifies a run of this kind.
        or_start: whether a resume without anything to resume starts a new run.

    Raises:
        UserError: the folder is used, is not a folder, or there is nothing to resume.
    """
    folder = _choose(out, names, resume=resume, holds=holds, or_start=or_start)
    check_path(folder, LONGEST_OF_STUDY)
    return folder


def _choose(
    out: Path | None, names: Sequence[str], *, resume: bool | None, holds: str, or_start: bool
) -> Path:
    label = _label(names)
    if out is None and resume:
        runs = _RUNS.glob(f"{_STAMP_PATTERN}-{label}")
        earlier = sorted(path for path in runs if (path / holds).exists())
        if not earlier and or_start:
            return _choose(None, names, resume=False, holds=holds, or_start=False)
        if not earlier:
            raise UserError(f"nothing to resume: no run of {' '.join(names)} in {_RUNS}/")
        return earlier[-1]
    if out is None:
        return _RUNS / f"{datetime.now():{_STAMP}}-{label}"
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out} is a file; name a folder")
    # A run that was stopped before it had stored anything leaves only its lock.
    used = out.is_dir() and any(path.name != _LOCK_FILE for path in out.iterdir())
    if resume and not (out / holds).exists() and not (or_start and not used):
        raise UserError(f"nothing to resume in {out}: it holds no {holds}")
    if not resume and used:
        instead = "" if resume is None else "add --resume, or "
        raise UserError(f"--out {out} is already used; {instead}name another folder")
    return out


@contextlib.contextmanager
def lock_run_folder(folder: Path) -> Iterator[Path]:
    """Make the folder, check that it can be written to, and hold its lock for the block.

    If the block fails before there is any result, what was made is removed again.

    Raises:
        UserError: not writable, no space left, or another process uses it.
    """
    try:
        before = set(folder.iterdir()) if folder.is_dir() else set()
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        existing = next(path for path in (folder, *folder.absolute().parents) if path.exists())
        free = shutil.disk_usage(existing).free
        if free < _LEAST_FREE_BYTES:
            raise UserError(
                f"cannot write to {folder}: only {free // 2**20} MiB are free on its disk, "
                f"but a run needs {_LEAST_FREE_BYTES // 2**20} MiB"
            )
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".probe"
        probe.write_bytes(b"x")
        probe.unlink()
    except OSError as error:
        raise UserError(f"cannot write to {folder}: {error.strerror or error}") from error
    try:
        lock = FileLock(folder / _LOCK_FILE, timeout=0).acquire()
    except Timeout:
        raise UserError(f"another process is using {folder}") from None
    try:
        with lock:
            yield folder
    except Exception:  # after an interrupt, --resume shall find the run
        _remove_unused(folder, before, missing)
        raise


def _remove_unused(folder: Path, before: set[Path], missing: Sequence[Path]) -> None:
    """Remove what a run without results made: its files, and the folders that were missing."""
    made = set(folder.iterdir()) - before
    own = (_LOCK_FILE, SWEEP_FILE, CHECKPOINTS, *(STUDY_FILE + end for end in ("", "-wal", "-shm")))
    if has_results(folder / STUDY_FILE) or any(path.name not in own for path in made):
        return
    if any(path.is_dir() and any(path.iterdir()) for path in made):
        return
    with contextlib.suppress(OSError):  # not empty, or removed by another process
        for path in made:
            path.rmdir() if path.is_dir() else path.unlink()
        for path in missing:
            path.rmdir()


def _label(names: Sequence[str]) -> str:
    """The arms as part of a file name: up to four by name, more by number."""
    text = "-".join(names) if len(names) <= 4 else f"{names[0]}-and-{len(names) - 1}-more"
    return re.sub(r"[^A-Za-z0-9_.-]", "_", text)[:_LABEL_CHARACTERS]
