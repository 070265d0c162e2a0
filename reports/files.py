"""Atomic writing of files: whatever happens, a file is the old one or the whole new one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Mapping
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


def write_files(
    folder: Path, contents: Mapping[str, bytes], *, optional: Iterable[str] = ()
) -> list[Path]:
    """Write files by name into a folder, made if absent; one that would not change is not touched.

    Of `optional` files, those that are not among the contents are deleted: they are of an earlier
    report and do not belong to this one.

    Raises:
        OSError: the folder cannot be read or written to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in contents.items():
        path = folder / name
        if not path.exists() or path.read_bytes() != content:
            with atomic_write(path) as draft:
                draft.write_bytes(content)
    for name in set(optional) - set(contents):
        (folder / name).unlink(missing_ok=True)
    return [folder / name for name in contents]
