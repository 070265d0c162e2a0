"""Data sets as three splits of labelled images, batches of a split, and the validation split."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from runners.records.errors import DataError

Pixels: TypeAlias = NDArray[np.uint8]
"""Images (B, C, H, W), values 0 to 255."""
Labels: TypeAlias = NDArray[np.int64]
Indices: TypeAlias = NDArray[np.int64]


class Split(Protocol):
    """Labelled images, read by position."""

    @property
    def labels(self) -> Labels:
        """Class of each image, (N,), in 0 ... num_classes - 1."""

    @property
    def lazy(self) -> bool:
        """Whether `images` does real work (decoding, resizing), so that reading ahead pays."""

    def __len__(self) -> int: ...

    def images(self, indices: Indices) -> Pixels:
        """The images at `indices` (B,), in that order, as a new array (B, C, H, W)."""

    def subset(self, indices: Indices) -> Split:
        """A split of the images at `indices`, in that order."""


class ArraySplit:
    """A split in memory."""

    lazy = False

    def __init__(self, pixels: Pixels, labels: Labels) -> None:
        """Take pixels (N, C, H, W) and labels (N,)."""
        if pixels.ndim != 4 or labels.shape != pixels.shape[:1]:
            raise ValueError(f"pixels {pixels.shape} and labels {labels.shape} do not match")
        # Read-only views: several arms train on one split, and none may change it.
        self._pixels = pixels.view()
        self._pixels.flags.writeable = False
        self.labels = labels.astype(np.int64)
        self.labels.flags.writeable = False

    def __len__(self) -> int:
        return len(self.labels)

    def images(self, indices: Indices) -> Pixels:
        return self._pixels[indices]

    def subset(self, indices: Indices) -> ArraySplit:
        return ArraySplit(self._pixels[indices], self.labels[indices])


class LazySplit:
    """A split whose images are read on demand: all of them would not fit in memory."""

    lazy = True

    def __init__(
        self, read: Callable[[Indices], Pixels], labels: Labels, rows: Indices | None = None
    ) -> None:
        """Take `read`, which returns the images at its rows, and the labels (N,) of `rows`."""
        self._read, self.labels = read, labels
        self._rows = np.arange(len(labels)) if rows is None else rows

    def __len__(self) -> int:
        return len(self.labels)

    def images(self, indices: Indices) -> Pixels:
        return self._read(self._rows[indices])

    def subset(self, indices: Indices) -> LazySplit:
        return LazySplit(self._read, self.labels[indices], self._rows[indices])


@dataclass(frozen=True)
class Dataset:
    """Three splits and their description. `resolution` in pixels.

    `note` describes the data in a sentence; `checksum` is the SHA-256 (hex) of the original
    content, the same at every resolution. The test split is for reporting only, never for choices.
    """

    name: str
    note: str
    class_names: tuple[str, ...]
    channels: int
    resolution: int
    train: Split
    val: Split
    test: Split
    checksum: str
    skipped: str = ""
    """What of the data was not read, in words."""

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)


def iterate_batches(
    split: Split, batch_size: int, order: Indices
) -> Iterator[tuple[Pixels, Labels]]:
    """Images (B, C, H, W) and labels (B,) of `split` in `order`; the last batch may be smaller.

    A lazy split is read one batch ahead by one thread, which ends with the iteration, however
    that ends.

    Raises:
        ValueError: `batch_size` below 1.
        DataError: an image cannot be read; raised when its batch is due.
    """
    if batch_size < 1:
        raise ValueError(f"batch size must be at least 1, not {batch_size}")
    batches = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    if split.lazy:
        return _read_ahead(split, batches)
    return ((split.images(batch), split.labels[batch]) for batch in batches)


def _read_ahead(split: Split, batches: list[Indices]) -> Iterator[tuple[Pixels, Labels]]:
    with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
        # Leaving the block, also by close() of this generator, waits for the batch in the making.
        futures = (pool.submit(split.images, batch) for batch in batches)
        pending = next(futures, None)
        for batch in batches:
            assert pending is not None
            images, pending = pending.result(), next(futures, None)
            yield images, split.labels[batch]


def split_validation(labels: Labels, count: int) -> tuple[Indices, Indices]:
    """Split the positions of labels (N,) into (train, validation), both sorted.

    Stratified: each class gives its share to validation, rounded so that the sum is `count`, and
    keeps at least one image on either side. Within a class the positions are evenly spaced. No
    random number is involved: every arm and every seed sees the same validation images, on every
    machine.

    Raises:
        DataError: a class has one image only, or `count` leaves some class without an image on
            one side.
    """
    classes, sizes = np.unique(labels, return_counts=True)
    if len(sizes) == 0 or sizes.min() < 2:
        raise DataError("a validation split needs 2 or more training images of each class")
    if not len(classes) <= count <= len(labels) - len(classes):
        raise DataError(
            f"cannot take {count} validation images from {len(labels)} of {len(classes)} classes; "
            f"possible: {len(classes)} to {len(labels) - len(classes)}"
        )
    chosen = []
    for kind, share in zip(classes, _shares(sizes, count), strict=True):
        members = np.flatnonzero(labels == kind)
        # The middles of `share` equal stretches; integers only, so no rounding differs by machine.
        chosen.append(members[(2 * np.arange(share) + 1) * len(members) // (2 * share)])
    val = np.sort(np.concatenate(chosen)).astype(np.int64)
    train = np.setdiff1d(np.arange(len(labels), dtype=np.int64), val)
    return train, val


def _shares(sizes: NDArray[np.int64], count: int) -> NDArray[np.int64]:
    """Images per class: near count * sizes / sum, within [1, size - 1], `count` in all."""
    total = int(sizes.sum())
    shares = np.clip(count * sizes // total, 1, sizes - 1)
    # What a class still lacks, in units of 1 / total of an image: exact integers.
    while shares.sum() < count:
        lack = np.where(shares < sizes - 1, count * sizes - total * shares, np.iinfo(np.int64).min)
        shares[np.argmax(lack)] += 1
    while shares.sum() > count:
        lack = np.where(shares > 1, count * sizes - total * shares, np.iinfo(np.int64).max)
        shares[np.argmin(lack)] -= 1
    return shares
