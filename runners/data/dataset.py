"""Data sets as three splits of labelled images, and batches of a split."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

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
