from __future__ import annotations

import hashlib
import shutil
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest

from runners.data import embedded_subset, idx, load
from runners.data.embedded_subset import (
    FOLDER,
    SUMS,
    TEST_PER_CLASS,
    TRAIN_PER_CLASS,
    make_subset,
    read_embedded,
)
from runners.data.sources import FASHION_FILES
from runners.records.errors import DataError


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(FOLDER, tmp_path / "embedded"))


def test_counts_balance_and_size() -> None:
    data = load("fashion-mnist-mini")
    for split, per_class in ((data.train, 600), (data.val, 100), (data.test, 200)):
        assert np.bincount(split.labels).tolist() == [per_class] * 10
        assert split.labels.dtype == np.int64
    assert data.train.images(np.array([5, 1])).shape == (2, 1, 28, 28)
    assert (data.num_classes, data.channels, data.resolution) == (10, 1, 28)
    assert "7,000 of 60,000 training and 2,000 of 10,000 test images" in data.note
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 6_000_000


def test_no_image_is_in_two_splits() -> None:
    data = load("fashion-mnist-mini")
    seen = [
        {hashlib.sha256(image.tobytes()).digest() for image in split.images(np.arange(len(split)))}
        for split in (data.train, data.val, data.test)
    ]
    assert not seen[0] & seen[1]
    assert not seen[0] & seen[2]
    assert not seen[1] & seen[2]


def test_licence_and_provenance_are_included() -> None:
    assert "2017 Zalando SE" in (FOLDER / "LICENSE-fashion-mnist").read_text()
    for name in FASHION_FILES:
        content = hashlib.sha256(idx.read_content(FOLDER / name)).hexdigest()
        assert content in (FOLDER / "PROVENANCE.md").read_text()


@pytest.mark.parametrize("name", FASHION_FILES)
def test_a_flipped_bit_is_an_error(copied: Path, name: str) -> None:
    data = bytearray((copied / name).read_bytes())
    data[len(data) // 2] ^= 1
    (copied / name).write_bytes(data)
    with pytest.raises(DataError, match=f"{name} is damaged: .*; restore it and SHA256SUMS"):
        read_embedded(copied)


@pytest.mark.parametrize("name", [FASHION_FILES[0], SUMS])
def test_a_missing_file_is_named(copied: Path, name: str) -> None:
    (copied / name).unlink()
    with pytest.raises(DataError, match=f"{name}: No such file"):
        read_embedded(copied)


def test_making_the_subset_of_itself_changes_nothing(tmp_path: Path) -> None:
    make_subset(FOLDER, tmp_path, TRAIN_PER_CLASS, TEST_PER_CLASS, None)
    for name in FASHION_FILES:
        assert idx.read_content(tmp_path / name) == idx.read_content(FOLDER / name)
    if zlib.ZLIB_RUNTIME_VERSION.startswith(("1.2.", "1.3.")) and "ng" not in (
        zlib.ZLIB_RUNTIME_VERSION
    ):
        for name in (*FASHION_FILES, SUMS):
            assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes()


def test_the_subset_is_the_first_of_each_class_in_file_order(tmp_path: Path) -> None:
    labels = np.array([1, 0, 1, 1, 0, 0, 1, 0], np.uint8)
    pixels = np.arange(8 * 4, dtype=np.uint8).reshape(8, 2, 2)
    source, into = tmp_path / "source", tmp_path / "into"
    source.mkdir()
    for name, array in zip(FASHION_FILES, (pixels, labels, pixels, labels), strict=True):
        idx.write(source / name, array)
    make_subset(source, into, 2, 1, None)
    assert np.array_equal(idx.read(into / FASHION_FILES[0]), pixels[[0, 1, 2, 4]])
    assert idx.read(into / FASHION_FILES[1]).tolist() == [1, 0, 1, 0]
    assert idx.read(into / FASHION_FILES[3]).tolist() == [1, 0]
    with pytest.raises(DataError, match="fewer than 5"):
        make_subset(source, into, 5, 1, None)


def test_unofficial_source_files_are_refused(monkeypatch, capsys, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["embedded_subset", str(FOLDER), "--into", str(tmp_path)])
    assert embedded_subset.main() == 2
    assert "is not the official Fashion-MNIST file" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
