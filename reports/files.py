"""Atomic writing of files: whatever happens, a file is the old one or the whole new one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to `path`; on success its file replaces `path` in one step.

    The file reaches the disk before it is renamed, so that a power failure cannot leave an empty
    one. On any exception the temporary file is deleted. Its name is fixed: what a killed process
    leaves behind is overwritten by the next write. One process at a time may write to a path.

    Raises:
        OSError: the file cannot be written; the error names `path`, not the temporary file.
    """
    draft = path.with_name(f"{path.name}.part")
    try:
        yield draft
        with draft.open("rb+") as file:
            os.fsync(file.fileno())
        os.replace(draft, path)
    except BaseException as error:
        with contextlib.suppress(OSError):
            draft.unlink()
        if (
            isinstance(error, OSError)
            and error.errno is not None
            and str(error.filename) in ("None", str(draft))
        ):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
