"""What a data set is: three splits of labelled images, and what must be told about them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

Pixels: TypeAlias = NDArray[np.uint8]
"""Images (B, C, H, W), values 0 to 255."""
Labels: TypeAlias = NDArray[np.int64]
Indices: TypeAlias = NDArray[np.int64]


class Split(Protocol):
    """Labelled images that can be asked for by position."""

    @property
    def labels(self) -> Labels:
        """Class of each image, (N,), in 0 ... num_classes - 1."""

    @property
    def lazy(self) -> bool:
        """Whether `images` does real work (decoding, resizing), so that fetching ahead pays."""

    def __len__(self) -> int:
        """Number of images."""

    def images(self, indices: Indices) -> Pixels:
        """The images at `indices` (B,), in that order, as a new array (B, C, H, W)."""

    def subset(self, indices: Indices) -> Split:
        """A split of the images at `indices` alone, in that order."""


class ArraySplit:
    """A split that lies in memory."""

    lazy = False

    def __init__(self, pixels: Pixels, labels: Labels) -> None:
        """Take pixels (N, C, H, W) and labels (N,)."""
        if pixels.ndim != 4 or labels.shape != pixels.shape[:1]:
            raise ValueError(f"pixels {pixels.shape} and labels {labels.shape} do not match")
        # Read-only views: several arms train on one split, and none may change it for the others.
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
        """A split of the images at `indices` alone, in that order."""
        return ArraySplit(self._pixels[indices], self.labels[indices])


@dataclass(frozen=True)
class Dataset:
    """Three splits and what must be told about them. `resolution` in pixels.

    `note` says in words what the data is; `checksum` is the SHA-256 (hex) of the content it comes
    from, the same at every resolution. The test split is only ever reported, never chosen on.
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
