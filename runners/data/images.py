"""Decode image files and resize images, antialiased."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from runners.data.dataset import Pixels
from runners.records.errors import DataError, first_line

_MAX_THREADS = 16


def decode(path: Path, resolution: int) -> Pixels:
    """The image at `path` as (3, resolution, resolution).

    The shorter side becomes `resolution` and the centre is kept, in one bilinear, antialiased step
    that reads little more than the centred square. Transparency is dropped, 16-bit grey keeps its
    upper 8 bits, and EXIF rotation is not applied, as is usual for ImageNet.

    Raises:
        DataError: the file is not a whole image; names it.
    """
    try:
        with Image.open(path) as image:
            image.load()
            colour = _to_rgb(image)
    except Exception as error:  # decoders raise almost anything on damaged files
        name = os.fsencode(path).decode("utf-8", "backslashreplace")
        raise DataError(f"cannot read image {name}: {_describe(error)}") from error
    side = min(colour.size)
    left, top = (colour.width - side) / 2, (colour.height - side) / 2
    square = colour.resize(
        (resolution, resolution),
        Image.Resampling.BILINEAR,
        box=(left, top, left + side, top + side),
    )
    return np.asarray(square).transpose(2, 0, 1)


def decode_all(paths: Sequence[Path], resolution: int) -> Pixels:
    """The images at `paths`, in order: (N, 3, resolution, resolution); DataError as for decode."""
    out = np.empty((len(paths), 3, resolution, resolution), np.uint8)
    # Pillow decodes and resizes without the interpreter lock. A pool per call costs little beside
    # the images and leaves nothing to close. If one is broken, map cancels what has not begun.
    with ThreadPoolExecutor(max(1, min(_MAX_THREADS, os.cpu_count() or 1, len(paths)))) as pool:
        for row, pixels in enumerate(pool.map(lambda path: decode(path, resolution), paths)):
            out[row] = pixels
    return out


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


def _to_rgb(image: Image.Image) -> Image.Image:
    """`image` in 8-bit RGB. Pillow clips 16-bit grey at 255 instead of scaling it."""
    if image.mode.startswith("I"):
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 0xFFFF:
            raise ValueError("its pixels have more than 16 bits; save it with 8")
        return Image.fromarray((values >> 8).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise ValueError("its pixels are floating-point numbers; save it with 8 bits")
    if image.mode == "P" and "transparency" in image.info:
        # By way of RGBA, or Pillow warns about the palette's transparency.
        image = image.convert("RGBA")
    return image.convert("RGB")


def _describe(error: Exception) -> str:
    """One line without the path, which the message already has."""
    if isinstance(error, UnidentifiedImageError):
        return "not in an image format that Pillow supports"
    return getattr(error, "strerror", None) or first_line(error)
