from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from runners.data import (
    NAMES,
    ArraySplit,
    cache,
    describe,
    idx,
    load,
    native_resolution,
    require,
)
from runners.data.arrays import make_dataset
from runners.data.catalogue import ENTRIES
from runners.data.dataset import LazySplit
from runners.records.errors import DataError


@pytest.fixture
def cached(monkeypatch, tmp_path: Path) -> Path:
    """A small stand-in for cifar10 in the cache, pinned as if it were the real one."""
    draw = np.random.default_rng(0)
    arrays = []
    for count in (6000, 20):
        arrays.append(draw.integers(0, 256, (count, 3, 32, 32), np.uint8))
        arrays.append((np.arange(count) % 10).astype(np.uint8))
    folder = tmp_path / "cifar10"
    folder.mkdir()
    pins = {}
    for name, array in zip(cache.PINS["cifar10"], arrays, strict=True):
        idx.write(folder / name, array)
        pins[name] = hashlib.sha256(idx.encode(array)).hexdigest()
    monkeypatch.setenv("LOLVIT_DATA", str(tmp_path))
    monkeypatch.setitem(cache.PINS, "cifar10", pins)
    return folder


def test_a_fetched_data_set(cached: Path) -> None:
    require("cifar10")
    data = load("cifar10")
    assert (len(data.train), len(data.val), len(data.test)) == (1000, 5000, 20)
    assert data.test.images(np.arange(3)).shape == (3, 3, 32, 32)
    assert data.class_names[3] == "cat"
    raw = idx.read(cached / "train-images.idx")
    assert {image.tobytes() for image in data.val.images(np.arange(50))} <= {
        image.tobytes() for image in raw
    }


def test_a_damaged_file_is_named(cached: Path) -> None:
    path = cached / "test-images.idx"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(
        DataError, match=r"test-images\.idx is damaged.*; run: bench\.py data fetch"
    ):
        load("cifar10")


def test_a_data_set_that_is_not_fetched(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOLVIT_DATA", str(tmp_path))
    for call in (load, require):
        with pytest.raises(DataError, match=r"run: bench\.py data fetch cifar10$"):
            call("cifar10")
    rows = {row["name"]: row["present"] for row in describe()}
    assert list(rows) == [*NAMES, "folder:PATH"]
    assert rows["cifar10"].startswith("no")
    assert rows["fashion-mnist-mini"].startswith("yes")


def test_an_unknown_name_lists_the_nearest_and_all() -> None:
    for call in (load, require, native_resolution):
        with pytest.raises(DataError, match="'fashion_mnist'; did you mean 'fashion-mnist'"):
            call("fashion_mnist")


@pytest.mark.parametrize("resolution", [0, -3, 100_000])
def test_impossible_resolutions_are_refused(resolution: int) -> None:
    with pytest.raises(DataError, match=f"resolution {resolution} is outside"):
        load("fashion-mnist-mini", resolution)


def test_native_resolutions() -> None:
    assert [native_resolution(name) for name in (*NAMES, "folder:x")] == [28, 28, 32, 224]


def test_another_resolution_keeps_labels_and_checksum() -> None:
    native, small = load("fashion-mnist-mini"), load("fashion-mnist-mini", 14)
    assert small.test.images(np.arange(4)).shape == (4, 1, 14, 14)
    assert np.array_equal(small.train.labels, native.train.labels)
    assert small.checksum == native.checksum
    assert "28 px images resized to 14 px" in small.note
    means = [data.test.images(np.arange(100)).mean(axis=(1, 2, 3)) for data in (native, small)]
    assert np.abs(means[0] - means[1]).max() < 2


def test_resizing_on_demand_is_the_same(monkeypatch, cached: Path) -> None:
    eager = load("cifar10", 16)
    monkeypatch.setattr("runners.data.arrays.IN_MEMORY_BYTES", 0)
    lazy = load("cifar10", 16)
    assert isinstance(eager.val, ArraySplit)
    assert isinstance(lazy.val, LazySplit)
    some = np.array([7, 3, 4000])
    assert np.array_equal(eager.val.images(some), lazy.val.images(some))
    assert np.array_equal(eager.val.images(some), lazy.val.subset(some).images(np.arange(3)))


def test_images_and_labels_must_match() -> None:
    entry = ENTRIES["fashion-mnist-mini"]
    contents = [idx.encode(np.zeros(s, np.uint8)) for s in ((4, 28, 28), 5, (4, 28, 28), 4)]
    with pytest.raises(DataError, match="a has 4 images, but b 5 labels"):
        make_dataset(entry, dict(zip(map(Path, "abcd"), contents, strict=True)), 28)


def test_splits_cannot_be_changed_through_what_they_give() -> None:
    split = ArraySplit(np.zeros((3, 1, 2, 2), np.uint8), np.zeros(3, np.int64))
    split.images(np.arange(3))[:] = 9
    assert split.images(np.arange(3)).max() == 0
    with pytest.raises(ValueError, match="read-only"):
        split.labels[0] = 1


def test_importing_the_package_is_cheap_and_loading_needs_no_torch() -> None:
    code = (
        "import sys, runners.data as d; d.require('fashion-mnist-mini'); d.describe();"
        "print(sorted({'numpy', 'PIL', 'torch', 'filelock'} & set(sys.modules)));"
        "d.load('fashion-mnist-mini', 32); print('torch' in sys.modules)"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.split("\n")[:2] == ["[]", "False"]
