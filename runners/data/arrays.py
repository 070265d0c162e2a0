"""Make a data set from the four arrays of a catalogue entry."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runners.data import idx
from runners.data.catalogue import DatasetEntry
from runners.data.dataset import ArraySplit, Dataset, Split
from runners.data.images import ResizedSplit, resize
from runners.data.validation_split import split_validation
from runners.records.errors import DataError

IN_MEMORY_BYTES = 2**30
"""Images up to this size are resized or decoded once, up front; larger sets batch by batch."""

PARTS = ("train-images", "train-labels", "test-images", "test-labels")


@dataclass(frozen=True)
class DatasetArrays:
    """The content of a data set: images (N, H, W) or (N, C, H, W) and labels (N,), all bytes."""

    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.uint8]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.uint8]
    checksum: str


def decode_arrays(contents: list[bytes], origins: list[Path]) -> DatasetArrays:
    """Decode plain IDX contents, in the order of PARTS; `origins` name them in errors.

    The checksum is the SHA-256 of the four contents' SHA-256: compression does not change it.
    """
    digest = hashlib.sha256()
    for content in contents:
        digest.update(hashlib.sha256(content).digest())
    parts = [idx.decode(data, str(path)) for data, path in zip(contents, origins, strict=True)]
    for images in (0, 2):
        if len(parts[images]) != len(parts[images + 1]):
            raise DataError(
                f"{origins[images]} has {len(parts[images])} images, "
                f"but {origins[images + 1].name} {len(parts[images + 1])} labels"
            )
    return DatasetArrays(parts[0], parts[1], parts[2], parts[3], digest.hexdigest())


def make_dataset(entry: DatasetEntry, arrays: DatasetArrays, resolution: int) -> Dataset:
    """The data set of `entry`; images of `resolution` x `resolution` pixels."""
    labels = arrays.train_labels.astype(np.int64)
    train, val = split_validation(labels, entry.validation)
    shape = (-1, entry.channels, entry.resolution, entry.resolution)
    learn = ArraySplit(arrays.train_images.reshape(shape), labels)
    test = ArraySplit(arrays.test_images.reshape(shape), arrays.test_labels.astype(np.int64))
    total = (len(learn) + len(test)) * entry.channels * resolution**2
    note = f"{entry.what}: {entry.images}; {len(val):,} of the training images are for validation"
    if resolution != entry.resolution:
        note += f"; {entry.resolution} px images resized to {resolution} px"

    def resized(split: ArraySplit) -> Split:
        if resolution == entry.resolution:
            return split
        if total > IN_MEMORY_BYTES:
            return ResizedSplit(split, resolution)
        return ArraySplit(resize(split.images(np.arange(len(split))), resolution), split.labels)

    return Dataset(
        name=entry.name,
        note=note,
        class_names=entry.class_names,
        channels=entry.channels,
        resolution=resolution,
        train=resized(learn.subset(train)),
        val=resized(learn.subset(val)),
        test=resized(test),
        checksum=arrays.checksum,
    )
