"""The data set `folder:PATH`: images in a folder per class, as `image_listing` describes."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np

from runners.data.arrays import IN_MEMORY_BYTES
from runners.data.catalogue import FOLDER
from runners.data.dataset import (
    ArraySplit,
    Dataset,
    Indices,
    LazySplit,
    Pixels,
    Split,
    split_validation,
)
from runners.data.image_listing import SPLITS, Listing, list_split, read_layout
from runners.data.images import decode_all
from runners.records.errors import DataError
from runners.records.paths import check_path

_VALIDATION_SHARE = 10
"""One training image in this many is for validation."""


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
    layout = read_layout(path)
    classes = layout.classes
    learn, test = (list_split(layout, split) for split in SPLITS)
    for label, size in enumerate(np.bincount(learn.labels)):
        if size < 2:
            raise DataError(
                f"class folder {path / 'train' / layout.folders['train'][label]} has 1 image; "
                "at least 2 are needed, one of them for validation"
            )
    count = max(len(classes), len(learn.names) // _VALIDATION_SHARE)
    train, val = split_validation(learn.labels, count)
    fits = (len(learn.names) + len(test.names)) * 3 * resolution**2 <= in_memory_bytes
    skipped = str(learn.skipped + test.skipped)
    both = _make_split(path, learn, resolution, fits)
    return Dataset(
        name=name,
        note=(
            f"image folder {path.resolve().name}: {len(classes)} classes, "
            f"{len(learn.names):,} training and {len(test.names):,} test images; {len(val):,} of "
            f"the training images are for validation; centre crops of {resolution} px"
            + (f"; skipped files: {skipped}" if skipped else "")
        ),
        skipped=skipped,
        class_names=classes,
        channels=3,
        resolution=resolution,
        train=both.subset(train),
        val=both.subset(val),
        test=_make_split(path, test, resolution, fits),
        checksum=checksum_of((learn, test)),
    )


def folder_path(name: str) -> Path:
    """The PATH of "folder:PATH"; DataError if it is empty, or cannot be a path of a record."""
    text = name.removeprefix(FOLDER)
    if not text:
        raise DataError(f"{FOLDER} needs a path, as in {FOLDER}my-images")
    path = Path(text).expanduser()
    check_path(path, error=DataError)
    return path


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


def _make_split(path: Path, listing: Listing, resolution: int, fits: bool) -> Split:
    def read(rows: Indices) -> Pixels:
        return decode_all([path / listing.names[row] for row in rows], resolution)

    if fits:
        return ArraySplit(read(np.arange(len(listing.names))), listing.labels)
    return LazySplit(read, listing.labels)
