"""Data sets and where they come from. Importing this loads neither numpy nor pillow nor torch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runners.data.catalogue import (
    DEFAULT,
    ENTRIES,
    FOLDER,
    FOLDER_RESOLUTION,
    NAMES,
    Entry,
    checked_resolution,
    entry_of,
)
from runners.records.errors import DataError

if TYPE_CHECKING:
    from runners.data.dataset import Dataset

__all__ = ["DEFAULT", "NAMES", "describe", "load", "native_resolution", "present", "require"]


def load(name: str, resolution: int | None = None) -> Dataset:
    """The data set `name`, or the image folder of "folder:PATH", checked against its checksums.

    Args:
        name: one of NAMES, or "folder:PATH" with PATH/train/<class>/* and PATH/val/<class>/*.
        resolution: side of the square images in pixels; None keeps the native one.

    Raises:
        DataError: unknown name, set not fetched yet, broken file, impossible resolution.
    """
    if name.startswith(FOLDER):
        from runners.data.folder import load_folder

        return load_folder(name, checked_resolution(resolution, FOLDER_RESOLUTION))
    entry = entry_of(name)
    side = checked_resolution(resolution, entry.resolution)
    require(name)
    from runners.data.assemble import assemble

    if entry.fetched:
        from runners.data.cache import read_cached

        return assemble(entry, read_cached(name), side)
    from runners.data.embedded_files import read_embedded

    return assemble(entry, read_embedded(), side)


def native_resolution(name: str) -> int:
    """Side in pixels of the images of `name` as they come; 224 for folders."""
    return FOLDER_RESOLUTION if name.startswith(FOLDER) else entry_of(name).resolution


def require(name: str) -> None:
    """Find out at once, without reading an image, that `name` cannot be loaded.

    Raises:
        DataError: unknown name, set not fetched yet, folder missing or not laid out as ImageNet.
    """
    if name.startswith(FOLDER):
        from runners.data.layout import folder_classes, folder_path

        folder_classes(folder_path(name))
        return
    entry = entry_of(name)
    if not present(entry):
        raise DataError(
            f"data set {name} is not on this machine yet; run: bench.py data fetch {name}"
        )


def present(entry: Entry) -> bool:
    """Whether the files of `entry` are here; their content is checked when they are loaded."""
    if not entry.fetched:
        return True
    from runners.data.cache import is_cached

    return is_cached(entry.name)


def describe() -> list[dict[str, str]]:
    """One row per known data set for `bench.py data list`: name, what, images, licence, present."""
    rows = []
    for entry in ENTRIES.values():
        here = "yes" if present(entry) else f"no; run: bench.py data fetch {entry.name}"
        rows.append(
            {
                "name": entry.name,
                "what": entry.what,
                "images": entry.images,
                "licence": entry.licence,
                "present": here if entry.fetched else "yes (ships with the project)",
            }
        )
    rows.append(
        {
            "name": f"{FOLDER}PATH",
            "what": "your images: PATH/train/<class>/* and PATH/val/<class>/*",
            "images": "yours",
            "licence": "yours",
            "present": "-",
        }
    )
    return rows
