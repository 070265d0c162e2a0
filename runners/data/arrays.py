"""Make a data set of a catalogue entry from the contents of its four IDX files."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from runners.data import idx
from runners.data.catalogue import DatasetEntry
from runners.data.dataset import ArraySplit, Dataset, LazySplit, Split, split_validation
from runners.data.images import resize
from runners.records.errors import DataError

IN_MEMORY_BYTES = 2**30
"""Images up to this size are resized or decoded once, up front; larger sets batch by batch."""


def make_dataset(entry: DatasetEntry, contents: Mapping[Path, bytes], resolution: int) -> Dataset:
    """The data set of `entry`; images of `resolution` x `resolution` pixels.

    Its checksum is the SHA-256 of the contents' SHA-256: compression does not change it.

    Args:
        entry: describes the data set.
        contents: plain IDX bytes by path: training images (N, H, W) or (N, C, H, W) and labels
            (N,), then those of the test.
        resolution: in pixels.

    Raises:
        DataError: a file is broken, or the numbers of images and labels differ.
    """
    digests = [hashlib.sha256(content).digest() for content in contents.values()]
    learn, test = (_make_split(entry, contents, number) for number in (0, 1))
    train, val = split_validation(learn.labels, entry.validation)
    total = (len(learn) + len(test)) * entry.channels * resolution**2
    note = f"{entry.what}: {entry.images}; {len(val):,} of the training images are for validation"
    if resolution != entry.resolution:
        note += f"; {entry.resolution} px images resized to {resolution} px"

    def resized(split: ArraySplit) -> Split:
        if resolution == entry.resolution:
            return split
        lazy = LazySplit(lambda rows: resize(split.images(rows), resolution), split.labels)
        if total > IN_MEMORY_BYTES:
            return lazy
        return ArraySplit(lazy.images(np.arange(len(lazy))), lazy.labels)

    return Dataset(
        name=entry.name,
        note=note,
        class_names=entry.class_names,
        channels=entry.channels,
        resolution=resolution,
        train=resized(learn.subset(train)),
        val=resized(learn.subset(val)),
        test=resized(test),
        checksum=hashlib.sha256(b"".join(digests)).hexdigest(),
    )


def _make_split(entry: DatasetEntry, contents: Mapping[Path, bytes], number: int) -> ArraySplit:
    """Training (0) or test split (1) at the native resolution."""
    files = list(contents)[2 * number : 2 * number + 2]
    images, labels = (idx.decode(contents[file], str(file)) for file in files)
    if len(images) != len(labels):
        raise DataError(
            f"{files[0]} has {len(images)} images, but {files[1].name} {len(labels)} labels"
        )
    shape = (-1, entry.channels, entry.resolution, entry.resolution)
    return ArraySplit(images.reshape(shape), labels.astype(np.int64))
