"""Load data sets by name, and tell which are on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runners.data.catalogue import ENTRIES, FOLDER, DatasetEntry, get_entry
from runners.records.errors import DataError

if TYPE_CHECKING:
    from runners.data.dataset import Dataset

FOLDER_RESOLUTION = 224
MAX_RESOLUTION = 2048
"""Pixels. Far above any benchmark of light networks; catches a typed extra digit."""


def load(name: str, resolution: int | None = None) -> Dataset:
    """Load the data set `name`, or the image folder of "folder:PATH", and verify its checksums.

    Args:
        name: one of NAMES, or "folder:PATH" with PATH/train/<class>/* and PATH/val/<class>/*.
        resolution: side of the square images in pixels; None keeps the native one.

    Raises:
        DataError: unknown name, set not fetched yet, broken file, impossible resolution.
    """
    if name.startswith(FOLDER):
        from runners.data.image_folder import load_folder

        return load_folder(name, _check_resolution(resolution, FOLDER_RESOLUTION))
    entry = get_entry(name)
    side = _check_resolution(resolution, entry.resolution)
    require(name)
    from runners.data.arrays import make_dataset
    from runners.data.cache import read_cached
    from runners.data.embedded_subset import read_embedded

    return make_dataset(entry, read_cached(name) if entry.fetched else read_embedded(), side)


def native_resolution(name: str) -> int:
    """Side in pixels of the original images of `name`; 224 for folders."""
    return FOLDER_RESOLUTION if name.startswith(FOLDER) else get_entry(name).resolution


def require(name: str) -> None:
    """Check that `name` can be loaded, without reading an image.

    Raises:
        DataError: unknown name, set not fetched yet, folder missing or not laid out as ImageNet.
    """
    if name.startswith(FOLDER):
        from runners.data.image_folder import folder_path
        from runners.data.image_listing import read_layout

        read_layout(folder_path(name))
    elif not is_present(get_entry(name)):
        raise DataError(
            f"data set {name} is not on this machine yet; run: bench.py data fetch {name}"
        )


def is_present(entry: DatasetEntry) -> bool:
    """Whether the files of `entry` exist; their content is verified when they are loaded."""
    from runners.data.cache import is_cached

    return not entry.fetched or is_cached(entry.name)


def describe() -> list[dict[str, str]]:
    """One row a data set for `bench.py data list`: name, what, images, licence, present."""
    rows = []
    for entry in ENTRIES.values():
        present = "yes (ships with the project)"
        if entry.fetched:
            present = "yes" if is_present(entry) else f"no; run: bench.py data fetch {entry.name}"
        rows.append((entry.name, entry.what, entry.images, entry.licence, present))
    what = "your images: PATH/train/<class>/* and PATH/val/<class>/*"
    rows.append((f"{FOLDER}PATH", what, "yours", "yours", "-"))
    keys = ("name", "what", "images", "licence", "present")
    return [dict(zip(keys, row, strict=True)) for row in rows]


def _check_resolution(resolution: int | None, native: int) -> int:
    """`resolution` in pixels, or `native` for None; DataError outside 1 to MAX_RESOLUTION."""
    if resolution is None:
        return native
    if not 1 <= resolution <= MAX_RESOLUTION:
        raise DataError(f"resolution {resolution} is outside 1 to {MAX_RESOLUTION} pixels")
    return resolution
