"""The data set `folder:PATH`: a user's own images in the ImageNet layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from runners.data.assemble import IN_MEMORY_BYTES
from runners.data.carve import carve
from runners.data.dataset import ArraySplit, Dataset, Split
from runners.data.decode import FileSplit, decode_all
from runners.data.layout import Listing, checksum_of, folder_classes, folder_path, list_split
from runners.records.errors import DataError

_VALIDATION_SHARE = 10
"""One training image in this many is for validation."""


def load_folder(name: str, resolution: int, in_memory_bytes: int = IN_MEMORY_BYTES) -> Dataset:
    """The images below PATH of "folder:PATH", as RGB of `resolution` x `resolution` pixels.

    val/ is the test split that gets reported; the validation split is carved from train/. If all
    decoded images fit in `in_memory_bytes` they are decoded now, so that a corrupt one is found
    before any training; else batch by batch.

    Raises:
        DataError: folders missing, empty or different in train/ and val/, fewer than two classes,
            too few images to carve validation from, a file that is not a whole image.
    """
    path = folder_path(name)
    classes = folder_classes(path)
    learn, test = (list_split(path, split, classes) for split in ("train", "val"))
    labels = np.array(learn.labels, np.int64)
    for label, count in enumerate(np.bincount(labels)):
        if count < 2:
            raise DataError(
                f"class folder {path / 'train' / classes[label]} has 1 image; at least 2 are "
                "needed, one of them for validation"
            )
    wanted = max(len(classes), len(labels) // _VALIDATION_SHARE)
    train, val = carve(labels, wanted)
    fits = (len(labels) + len(test.labels)) * 3 * resolution**2 <= in_memory_bytes
    whole = _split(path, learn, resolution, fits)
    return Dataset(
        name=name,
        note=(
            f"image folder {path.resolve().name}: {len(classes)} classes, {len(labels):,} training "
            f"and {len(test.labels):,} test images; {len(val):,} of the training images are for "
            f"validation; centre crops of {resolution} px"
        ),
        class_names=classes,
        channels=3,
        resolution=resolution,
        train=whole.subset(train),
        val=whole.subset(val),
        test=_split(path, test, resolution, fits),
        checksum=checksum_of((learn, test)),
    )


def _split(path: Path, listing: Listing, resolution: int, fits: bool) -> Split:
    labels = np.array(listing.labels, np.int64)
    if fits:
        return ArraySplit(decode_all([path / name for name in listing.names], resolution), labels)
    return FileSplit(path, listing.names, labels, resolution)
