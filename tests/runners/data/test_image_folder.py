from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from runners.data import load, require
from runners.data.image_folder import load_folder
from runners.data.image_listing import EXTENSIONS
from runners.data.images import decode
from runners.records.errors import DataError


def all_images(split) -> np.ndarray:
    return split.images(np.arange(len(split)))


def test_splits_of_a_folder(images: Path) -> None:
    data = load(f"folder:{images}", 16)
    assert data.class_names == ("cat", "dog")
    assert (len(data.train), len(data.val), len(data.test)) == (8, 2, 4)
    assert all_images(data.train).shape == (8, 3, 16, 16)
    assert np.bincount(data.val.labels).tolist() == [1, 1]
    assert "10 training and 4 test images; 2 of the training images are for validation" in data.note


def test_lazy_and_eager_are_the_same_images(images: Path) -> None:
    eager, lazy = (load_folder(f"folder:{images}", 16, budget) for budget in (2**30, 0))
    for part in ("train", "val", "test"):
        one, other = getattr(eager, part), getattr(lazy, part)
        assert (one.lazy, other.lazy) == (False, True)
        assert np.array_equal(all_images(one), all_images(other))
        assert np.array_equal(one.labels, other.labels)
        assert np.array_equal(all_images(one.subset(np.array([1]))), one.images(np.array([1])))
        assert np.array_equal(all_images(other.subset(np.array([1]))), one.images(np.array([1])))


def test_the_checksum_follows_names_sizes_and_labels(images: Path, tmp_path: Path, picture) -> None:
    before = load(f"folder:{images}", 8).checksum
    moved = shutil.copytree(images, tmp_path / "moved")
    assert load(f"folder:{moved}", 16).checksum == before
    (images / "train/cat/0.png").rename(images / "train/cat/00.png")
    assert load(f"folder:{images}", 8).checksum != before


@pytest.mark.parametrize("extension", [*EXTENSIONS, ".PNG", ".JPEG"])
def test_every_extension_is_read(images: Path, picture, extension: str) -> None:
    picture(images / "train/cat" / f"more{extension}", 1)
    data = load(f"folder:{images}", 8)
    assert len(data.train) + len(data.val) == 11


def test_hidden_and_other_files_are_skipped(images: Path) -> None:
    for name in ("train/cat/.hidden.png", "train/cat/notes.txt", "train/readme.txt"):
        (images / name).write_text("not an image")
    (images / "train/.cache").mkdir()
    (images / "train/cat/below.png").mkdir()
    data = load(f"folder:{images}", 8)
    assert len(data.train) + len(data.val) == 10


@pytest.mark.parametrize("missing", [".", "train", "val"])
def test_a_missing_folder_is_named(images: Path, missing: str) -> None:
    shutil.rmtree(images / missing)
    for call in (load, require):
        with pytest.raises(DataError, match=f"there is no .*folder {(images / missing)}"):
            call(f"folder:{images}")


def test_an_empty_path_is_an_error() -> None:
    with pytest.raises(DataError, match="needs a path"):
        require("folder:")


@pytest.mark.parametrize("count", [0, 1])
def test_fewer_than_two_classes(images: Path, count: int) -> None:
    for kind in ("cat", "dog")[count:]:
        shutil.rmtree(images / "train" / kind)
        shutil.rmtree(images / "val" / kind)
    with pytest.raises(DataError, match=f"has {count} class folders; at least 2"):
        require(f"folder:{images}")


@pytest.mark.parametrize("split", ["train", "val"])
def test_different_classes_are_named(images: Path, picture, split: str) -> None:
    picture(images / split / "lynx" / "0.png", 0)
    with pytest.raises(DataError, match=f"only in {split}/: lynx$"):
        require(f"folder:{images}")


@pytest.mark.parametrize("split", ["train", "val"])
def test_an_empty_class(images: Path, split: str) -> None:
    for path in (images / split / "dog").iterdir():
        path.rename(path.with_suffix(".txt"))
    with pytest.raises(DataError, match=f"{split}/dog has no image"):
        load(f"folder:{images}", 8)


def test_too_few_images_for_a_validation_split(images: Path) -> None:
    for number in range(1, 4):
        (images / f"train/dog/{number}.png").unlink()
    with pytest.raises(DataError, match="train/dog has 1 image; at least 2"):
        load(f"folder:{images}", 8)


@pytest.mark.parametrize("extension", EXTENSIONS)
@pytest.mark.parametrize("damage", ["cut", "text", "empty"])
def test_a_broken_image_is_named(tmp_path: Path, picture, extension: str, damage: str) -> None:
    path = tmp_path / f"broken{extension}"
    picture(path, 0)
    data = path.read_bytes()
    path.write_bytes({"cut": data[: len(data) // 2], "text": b"not an image", "empty": b""}[damage])
    with pytest.raises(DataError, match=f"cannot read image {path}: .+") as caught:
        decode(path, 8)
    assert "\n" not in str(caught.value)


def test_a_broken_image_is_an_error_on_loading_or_on_reading(images: Path) -> None:
    path = images / "train/dog/2.png"
    path.write_bytes(path.read_bytes()[:400])
    with pytest.raises(DataError, match=str(path)):
        load(f"folder:{images}", 8)
    lazy = load_folder(f"folder:{images}", 8, in_memory_bytes=0)
    with pytest.raises(DataError, match=str(path)):
        for part in (lazy.train, lazy.val):
            all_images(part)


def test_the_centre_is_kept(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (20, 60, 3), np.uint8)
    Image.fromarray(pixels).save(tmp_path / "wide.png")
    Image.fromarray(pixels.transpose(1, 0, 2)).save(tmp_path / "high.png")
    whole = Image.fromarray(pixels).resize((30, 10), Image.Resampling.BILINEAR)
    expected = np.asarray(whole).transpose(2, 0, 1)[:, :, 10:20]
    assert np.abs(decode(tmp_path / "wide.png", 10).astype(int) - expected).max() <= 1
    high = decode(tmp_path / "high.png", 10).transpose(0, 2, 1)
    assert np.abs(high.astype(int) - expected).max() <= 1


def test_a_long_thin_image_costs_no_more(tmp_path: Path) -> None:
    Image.new("RGB", (60_000, 1), (1, 2, 3)).save(tmp_path / "a.png")
    assert decode(tmp_path / "a.png", 224)[:, 7, 7].tolist() == [1, 2, 3]


def test_shrinking_is_antialiased(tmp_path: Path) -> None:
    stripes = np.zeros((64, 64, 3), np.uint8)
    stripes[:, ::2] = 254
    Image.fromarray(stripes).save(tmp_path / "a.png")
    assert np.abs(decode(tmp_path / "a.png", 8).astype(int) - 127).max() <= 10


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "CMYK", "I;16"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("a.tif" if mode == "CMYK" else "a.png")
    if mode == "I;16":
        Image.fromarray(np.full((9, 9), 0x8000, np.uint16)).save(path)
    else:
        Image.new("RGB", (9, 9), (128, 128, 128)).convert(mode, dither=Image.Dither.NONE).save(path)
    out = decode(path, 9)
    assert out.shape == (3, 9, 9)
    # The standard palette of mode P has steps of 51, black and white are 255 apart.
    assert np.abs(out.astype(int) - 128).max() <= {"P": 26, "1": 128}.get(mode, 3)
