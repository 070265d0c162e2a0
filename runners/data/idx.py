"""The IDX format of MNIST and its relatives, plain or gzipped; arrays of unsigned bytes only.

Layout: 0x00 0x00, element type (0x08 = unsigned byte), number of dimensions, each dimension as a
big-endian 32-bit number, then the elements in C order.
"""

from __future__ import annotations

import gzip
import io
import math
import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from runners.records.errors import DataError

_MAGIC = b"\x00\x00\x08"
_GZIP = b"\x1f\x8b"


def read(path: Path) -> NDArray[np.uint8]:
    """The array in the file `path`, gzipped or plain; DataError naming the file if it is broken."""
    return decode(read_content(path), str(path))


def read_content(path: Path) -> bytes:
    """The bytes of the file `path`, decompressed if it is gzipped; DataError naming the file."""
    try:
        return gunzip(path.read_bytes(), str(path))
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from error


def gunzip(data: bytes, origin: str) -> bytes:
    """`data`, decompressed if it is gzipped; DataError naming `origin` if it is damaged."""
    if not data.startswith(_GZIP):
        return data
    # Not gzip.decompress: it skips zero bytes after the end, and a strict reader should not.
    stream = zlib.decompressobj(wbits=31)
    try:
        plain = stream.decompress(data)
    except zlib.error as error:
        raise DataError(f"{origin} is not a valid gzip file: {error}") from error
    if not stream.eof:
        raise DataError(f"{origin} is truncated: its gzip stream does not end")
    if stream.unused_data:
        raise DataError(f"{origin} has {len(stream.unused_data)} bytes after its gzip stream")
    return plain


def decode(data: bytes, origin: str) -> NDArray[np.uint8]:
    """The array in plain IDX bytes; DataError naming `origin` for a wrong magic or length."""
    if len(data) < 4 or data[:3] != _MAGIC or data[3] == 0:
        raise DataError(
            f"{origin} is not an IDX file of unsigned bytes: it begins with "
            f"{data[:4].hex() or 'nothing'} instead of 000008 and the number of dimensions"
        )
    start = 4 + 4 * data[3]
    if len(data) < start:
        raise DataError(f"{origin} is truncated: {len(data)} bytes, but its header has {start}")
    shape = struct.unpack(f">{data[3]}I", data[4:start])
    expected = start + math.prod(shape)
    if len(data) < expected:
        raise DataError(f"{origin} is truncated: {len(data)} bytes instead of {expected}")
    if len(data) > expected:
        raise DataError(f"{origin} has {len(data) - expected} bytes after its {expected}")
    return np.frombuffer(data, np.uint8, offset=start).reshape(shape)


def encode(array: NDArray[np.uint8]) -> bytes:
    """`array` (1 to 255 dimensions, unsigned bytes) as plain IDX bytes."""
    if array.dtype != np.uint8 or not 1 <= array.ndim <= 255:
        raise ValueError(f"IDX needs uint8 of 1 to 255 dimensions, not {array.dtype} {array.shape}")
    return _MAGIC + struct.pack(f">B{array.ndim}I", array.ndim, *array.shape) + array.tobytes()


def write(path: Path, array: NDArray[np.uint8]) -> None:
    """Write `array` to `path`, gzipped if the name ends in .gz: the same array, the same bytes."""
    data = encode(array)
    if path.suffix == ".gz":
        buffer = io.BytesIO()
        # No name and no time in the header, or the bytes would differ from run to run.
        with gzip.GzipFile("", "wb", compresslevel=9, fileobj=buffer, mtime=0) as stream:
            stream.write(data)
        data = buffer.getvalue()
    path.write_bytes(data)
