"""Data sets as three splits of labelled images, and batches of a split."""

from __future__ import annotations

from collections.abc import Iterator
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

    def __len__(self) -> int:
        """Number of images."""

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
        """The images at `indices` (B,), copied: (B, C, H, W)."""
        return self._pixels[indices]

    def subset(self, indices: Indices) -> ArraySplit:
        """A split of the images at `indices`, in that order."""
        return ArraySplit(self._pixels[indices], self.labels[indices])


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

    Args:
        split: where the images come from.
        batch_size: images a batch, at least 1.
        order: positions in `split`, (N,), for instance a permutation.

    Raises:
        ValueError: `batch_size` below 1.
        DataError: an image cannot be read; raised when its batch is due.
    """
    if batch_size < 1:
        raise ValueError(f"batch size must be at least 1, not {batch_size}")
    chunks = [order[start : start + batch_size] for start in range(0, len(order), batch_size)]
    return _read_ahead(split, chunks) if split.lazy else _read(split, chunks)


def _read(split: Split, chunks: list[Indices]) -> Iterator[tuple[Pixels, Labels]]:
    for chunk in chunks:
        yield split.images(chunk), split.labels[chunk]


def _read_ahead(split: Split, chunks: list[Indices]) -> Iterator[tuple[Pixels, Labels]]:
    with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
        # Leaving the block, also by close() of this generator, waits for the batch in the making.
        pending = pool.submit(split.images, chunks[0]) if chunks else None
        for number, chunk in enumerate(chunks):
            assert pending is not None  # chunks is not empty
            images = pending.result()
            if number + 1 < len(chunks):
                pending = pool.submit(split.images, chunks[number + 1])
            yield images, split.labels[chunk]
