"""Images of an array at another resolution: bilinear, antialiased when they shrink."""

from __future__ import annotations

import numpy as np
from PIL import Image

from runners.data.dataset import Indices, Labels, Pixels, Split


def resize(pixels: Pixels, resolution: int) -> Pixels:
    """Images (B, 1 or 3, H, W) resized to (B, C, resolution, resolution)."""
    count, channels = pixels.shape[:2]
    out = np.empty((count, channels, resolution, resolution), np.uint8)
    size = (resolution, resolution)
    for row, image in enumerate(pixels):
        flat = image[0] if channels == 1 else np.ascontiguousarray(image.transpose(1, 2, 0))
        small = np.asarray(Image.fromarray(flat).resize(size, Image.Resampling.BILINEAR))
        out[row] = small if channels == 1 else small.transpose(2, 0, 1)
    return out


class ResizedSplit:
    """A split whose images are resized when asked for, where all would not fit in memory."""

    lazy = True

    def __init__(self, base: Split, resolution: int) -> None:
        """Show the images of `base` at `resolution` x `resolution` pixels."""
        self._base = base
        self._resolution = resolution

    @property
    def labels(self) -> Labels:
        """Class of each image, (N,)."""
        return self._base.labels

    def __len__(self) -> int:
        return len(self._base)

    def images(self, indices: Indices) -> Pixels:
        """The images at `indices` (B,): (B, C, resolution, resolution)."""
        return resize(self._base.images(indices), self._resolution)

    def subset(self, indices: Indices) -> ResizedSplit:
        """A split of the images at `indices` alone, in that order."""
        return ResizedSplit(self._base.subset(indices), self._resolution)
