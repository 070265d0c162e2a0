from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from runners.data import idx
from runners.records.errors import DataError

any_array = arrays.arrays(np.uint8, arrays.array_shapes(max_dims=4, max_side=6, min_side=0))


@given(any_array)
def test_decode_inverts_encode(array: np.ndarray) -> None:
    back = idx.decode(idx.encode(array), "memory")
    assert back.shape == array.shape
    assert back.dtype == np.uint8
    assert np.array_equal(back, array)


@given(any_array)
def test_every_shorter_and_longer_file_is_refused(array: np.ndarray) -> None:
    data = idx.encode(array)
    for length in range(len(data)):
        with pytest.raises(DataError, match="memory"):
            idx.decode(data[:length], "memory")
    with pytest.raises(DataError, match="1 bytes after"):
        idx.decode(data + b"\0", "memory")


@given(any_array, st.integers(0, 2), st.integers(1, 255))
def test_a_wrong_magic_is_refused(array: np.ndarray, position: int, change: int) -> None:
    data = bytearray(idx.encode(array))
    data[position] ^= change
    with pytest.raises(DataError, match="memory is not an IDX file"):
        idx.decode(bytes(data), "memory")


@pytest.mark.parametrize("name", ["a.idx", "a.gz"])
def test_files_round_trip_and_are_the_same_bytes_each_time(tmp_path: Path, name: str) -> None:
    array = np.arange(60, dtype=np.uint8).reshape(3, 4, 5)
    path = tmp_path / name
    idx.write(path, array)
    first = path.read_bytes()
    idx.write(path, array)
    assert path.read_bytes() == first
    assert np.array_equal(idx.read(path), array)


@given(st.data())
def test_broken_gzip_is_refused_and_named(data: st.DataObject) -> None:
    whole = gzip.compress(idx.encode(np.arange(200, dtype=np.uint8)))
    cut = data.draw(st.integers(2, len(whole) - 1))
    with pytest.raises(DataError, match=r"x\.gz"):
        idx.gunzip(whole[:cut], "x.gz")


@given(st.integers(0, 10_000), st.integers(0, 7))
def test_a_flipped_bit_in_gzip_never_changes_the_content(position: int, bit: int) -> None:
    array = np.arange(200, dtype=np.uint8)
    flipped = bytearray(gzip.compress(idx.encode(array)))
    flipped[position % len(flipped)] ^= 1 << bit
    # Some bits mean nothing (the time in the header, padding); the others are caught by the CRC.
    try:
        decoded = idx.decode(idx.gunzip(bytes(flipped), "x.gz"), "x.gz")
    except DataError as error:
        assert "x.gz" in str(error)
    else:
        assert np.array_equal(decoded, array)


@pytest.mark.parametrize(
    "tail", [b"\0", b"junk", gzip.compress(b"more")], ids=["0", "junk", "gzip"]
)
def test_bytes_after_gzip_are_refused(tail: bytes) -> None:
    with pytest.raises(DataError, match=f"x.gz has {len(tail)} bytes after"):
        idx.gunzip(gzip.compress(b"whole") + tail, "x.gz")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"none\.idx: No such file"):
        idx.read(tmp_path / "none.idx")


def test_other_types_are_refused() -> None:
    with pytest.raises(ValueError, match="uint8"):
        idx.encode(np.zeros(3, np.float32))
