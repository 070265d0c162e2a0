"""The ImageNet layout, PATH/{train,val}/<class>/*: what is there, without opening an image."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from runners.data.catalogue import FOLDER
from runners.records.errors import DataError

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".ppm", ".tif", ".tiff")
_CLASSES_NAMED = 5


@dataclass(frozen=True)
class Listing:
    """The image files of one split, sorted by class and name, with the class of each."""

    names: tuple[str, ...]
    """Relative to PATH, with slashes. Not Path objects: a million would take most of a GiB."""
    labels: tuple[int, ...]
    sizes: tuple[int, ...]
    """Bytes."""


def folder_path(name: str) -> Path:
    """The PATH of "folder:PATH"; DataError if it is empty."""
    text = name.removeprefix(FOLDER)
    if not text:
        raise DataError(f"{FOLDER} needs a path, as in {FOLDER}my-images")
    return Path(text).expanduser()


def folder_classes(path: Path) -> tuple[str, ...]:
    """The class names of the image folder `path`, sorted.

    Raises:
        DataError: `path`, train/ or val/ missing, fewer than two classes, or other classes in val/.
    """
    if not path.is_dir():
        raise DataError(f"there is no image folder {path}")
    names = [_subfolders(path / split) for split in ("train", "val")]
    if len(names[0]) < 2:
        raise DataError(
            f"{path / 'train'} has {len(names[0])} class folders; at least 2 are needed"
        )
    for here, there, split in ((0, 1, "train"), (1, 0, "val")):
        if lone := [name for name in names[here] if name not in names[there]]:
            more = f" and {len(lone) - _CLASSES_NAMED} more" if len(lone) > _CLASSES_NAMED else ""
            shown = ", ".join(lone[:_CLASSES_NAMED])
            raise DataError(
                f"{path}: train/ and val/ need the same classes; only in {split}/: {shown}{more}"
            )
    return tuple(names[0])


def list_split(path: Path, split: str, classes: tuple[str, ...]) -> Listing:
    """The images of PATH/<split>; hidden files and other extensions are passed over.

    Raises:
        DataError: a class folder without an image.
    """
    names: list[str] = []
    labels: list[int] = []
    sizes: list[int] = []
    for label, name in enumerate(classes):
        folder = path / split / name
        try:
            with os.scandir(folder) as entries:
                found = sorted(
                    (entry.name, entry.stat().st_size) for entry in entries if _is_image(entry)
                )
        except OSError as error:
            raise DataError(f"cannot read {folder}: {error.strerror}") from error
        if not found:
            raise DataError(f"class folder {folder} has no image ({' '.join(EXTENSIONS)})")
        names.extend(f"{split}/{name}/{file}" for file, _ in found)
        sizes.extend(size for _, size in found)
        labels.extend([label] * len(found))
    return Listing(tuple(names), tuple(labels), tuple(sizes))


def checksum_of(listings: tuple[Listing, ...]) -> str:
    """SHA-256 (hex) over sorted relative path, size in bytes and label of every image.

    Not over the images' content: reading all of ImageNet would take longer than many a run.
    """
    lines = sorted(
        os.fsencode(f"{name}\t{size}\t{label}\n")
        for listing in listings
        for name, size, label in zip(listing.names, listing.sizes, listing.labels, strict=True)
    )
    return hashlib.sha256(b"".join(lines)).hexdigest()


def _subfolders(path: Path) -> list[str]:
    try:
        with os.scandir(path) as entries:
            return sorted(e.name for e in entries if e.is_dir() and not e.name.startswith("."))
    except FileNotFoundError:
        raise DataError(
            f"there is no folder {path}; the layout is train/<class>/* and val/<class>/*"
        ) from None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error


def _is_image(entry: os.DirEntry[str]) -> bool:
    name = entry.name
    return not name.startswith(".") and name.lower().endswith(EXTENSIONS) and entry.is_file()
