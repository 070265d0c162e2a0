"""The data set `folder:PATH`: images in the ImageNet layout, PATH/{train,val}/<class>/*."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from runners.data.arrays import IN_MEMORY_BYTES
from runners.data.catalogue import FOLDER
from runners.data.dataset import (
    ArraySplit,
    Dataset,
    Indices,
    Labels,
    LazySplit,
    Pixels,
    Split,
    split_validation,
)
from runners.data.images import decode_all
from runners.records.errors import DataError

EXTENSIONS = (".png", ".jpg", ".jpeg", ".bmp", ".webp", ".ppm", ".tif", ".tiff")
_CLASSES_NAMED = 5
_VALIDATION_SHARE = 10
"""One training image in this many is for validation."""


@dataclass(frozen=True)
class Listing:
    """The image files of one split, sorted by class and name, with the class of each."""

    names: list[str]
    """Relative to PATH, with slashes. Not Path objects: a million would take most of a GiB."""
    labels: Labels
    sizes: list[int]
    """Bytes."""


def load_folder(name: str, resolution: int, in_memory_bytes: int = IN_MEMORY_BYTES) -> Dataset:
    """Load the images below PATH of "folder:PATH", as RGB of `resolution` x `resolution` pixels.

    val/ is the test split that gets reported; the validation split is taken from train/. If all
    decoded images fit in `in_memory_bytes` they are decoded now, so that a corrupt one is an error
    before any training; else batch by batch.

    Raises:
        DataError: folders missing, empty or different in train/ and val/, fewer than two classes,
            too few images for a validation split, a file that is not a whole image.
    """
    path = folder_path(name)
    classes = list_classes(path)
    learn, test = (list_split(path, split, classes) for split in ("train", "val"))
    for label, size in enumerate(np.bincount(learn.labels)):
        if size < 2:
            raise DataError(
                f"class folder {path / 'train' / classes[label]} has 1 image; at least 2 are "
                "needed, one of them for validation"
            )
    count = max(len(classes), len(learn.names) // _VALIDATION_SHARE)
    train, val = split_validation(learn.labels, count)
    fits = (len(learn.names) + len(test.names)) * 3 * resolution**2 <= in_memory_bytes
    both = _make_split(path, learn, resolution, fits)
    return Dataset(
        name=name,
        note=(
            f"image folder {path.resolve().name}: {len(classes)} classes, "
            f"{len(learn.names):,} training and {len(test.names):,} test images; {len(val):,} of "
            f"the training images are for validation; centre crops of {resolution} px"
        ),
        class_names=classes,
        channels=3,
        resolution=resolution,
        train=both.subset(train),
        val=both.subset(val),
        test=_make_split(path, test, resolution, fits),
        checksum=checksum_of((learn, test)),
    )


def folder_path(name: str) -> Path:
    """The PATH of "folder:PATH"; DataError if it is empty."""
    text = name.removeprefix(FOLDER)
    if not text:
        raise DataError(f"{FOLDER} needs a path, as in {FOLDER}my-images")
    return Path(text).expanduser()


def list_classes(path: Path) -> tuple[str, ...]:
    """The class names of the image folder `path`, sorted.

    Raises:
        DataError: `path`, train/ or val/ missing, fewer than two classes, or other classes in val/.
    """
    if not path.is_dir():
        raise DataError(f"there is no image folder {path}")
    names = [
        sorted(entry.name for entry in _scan(path / split, os.DirEntry.is_dir))
        for split in ("train", "val")
    ]
    if len(names[0]) < 2:
        raise DataError(
            f"{path / 'train'} has {len(names[0])} class folders; at least 2 are needed"
        )
    for own, other, split in ((0, 1, "train"), (1, 0, "val")):
        if extra := [name for name in names[own] if name not in names[other]]:
            more = len(extra) - _CLASSES_NAMED
            listed = ", ".join(extra[:_CLASSES_NAMED]) + (f" and {more} more" if more > 0 else "")
            raise DataError(
                f"{path}: train/ and val/ need the same classes; only in {split}/: {listed}"
            )
    return tuple(names[0])


def list_split(path: Path, split: str, classes: tuple[str, ...]) -> Listing:
    """The images of PATH/<split>; hidden files and other extensions are skipped.

    Raises:
        DataError: a class folder without an image.
    """
    names: list[str] = []
    labels: list[int] = []
    sizes: list[int] = []
    for label, name in enumerate(classes):
        folder = path / split / name
        files = sorted((entry.name, entry.stat().st_size) for entry in _scan(folder, _is_image))
        if not files:
            raise DataError(f"class folder {folder} has no image ({' '.join(EXTENSIONS)})")
        names.extend(f"{split}/{name}/{file}" for file, _ in files)
        sizes.extend(size for _, size in files)
        labels.extend([label] * len(files))
    return Listing(names, np.array(labels, np.int64), sizes)


def checksum_of(listings: tuple[Listing, ...]) -> str:
    """SHA-256 (hex) over sorted relative path, size in bytes and label of every image.

    Not over the images' content: reading all of ImageNet takes longer than many runs.
    """
    lines = sorted(
        os.fsencode(f"{name}\t{size}\t{label}\n")
        for listing in listings
        for name, size, label in zip(listing.names, listing.sizes, listing.labels, strict=True)
    )
    return hashlib.sha256(b"".join(lines)).hexdigest()


def _scan(folder: Path, wanted: Callable[[os.DirEntry[str]], bool]) -> list[os.DirEntry[str]]:
    """The entries of `folder` that are wanted and not hidden."""
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith(".") and wanted(entry)]
    except FileNotFoundError:
        raise DataError(
            f"there is no folder {folder}; the layout is train/<class>/* and val/<class>/*"
        ) from None
    except OSError as error:
        raise DataError(f"cannot read {folder}: {error.strerror}") from error


def _is_image(entry: os.DirEntry[str]) -> bool:
    return entry.name.lower().endswith(EXTENSIONS) and entry.is_file()


def _make_split(path: Path, listing: Listing, resolution: int, fits: bool) -> Split:
    def read(rows: Indices) -> Pixels:
        return decode_all([path / listing.names[row] for row in rows], resolution)

    if fits:
        return ArraySplit(read(np.arange(len(listing.names))), listing.labels)
    return LazySplit(read, listing.labels)
