"""Image folders of all layouts: what is read, and what is skipped is said."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from unicodedata import normalize

import numpy as np
import pytest
from PIL import Image

from runners.data import load, require
from runners.records.errors import DataError


def count(root: Path) -> tuple[int, int, str]:
    """Images of train/ and of val/, and what was skipped."""
    data = load(f"folder:{root}", 8)
    assert data.note.endswith(f"; skipped files: {data.skipped}") == bool(data.skipped)
    return len(data.train) + len(data.val), len(data.test), data.skipped


SKIPPED = {
    "text": ("train/cat/notes.txt", "other kinds (.txt): 1"),
    "no extension": ("val/dog/README", "other kinds (no extension): 1"),
    "not decodable": ("val/dog/a.HEIC", "other kinds (.heic): 1"),
    "hidden": ("train/cat/._0.png", "hidden: 1"),
    "hidden in the split": ("train/.DS_Store", "hidden: 1"),
    "outside": ("train/loose.png", "images outside of class folders: 1"),
    "text outside": ("val/labels.csv", "other kinds (.csv): 1"),
}


@pytest.mark.parametrize(("name", "words"), SKIPPED.values(), ids=SKIPPED.keys())
def test_each_file_that_is_not_read_is_counted(images: Path, name: str, words: str) -> None:
    (images / name).write_bytes(b"")
    assert count(images) == (10, 4, words)


def test_all_kinds_are_named_in_one_line(images: Path) -> None:
    for name, _ in SKIPPED.values():
        (images / name).write_bytes(b"")
    for number in range(3):
        (images / f"val/dog/dead{number}.png").symlink_to("nowhere.png")
    os.mkfifo(images / "val/dog/pipe.png")
    (images / "val/dog/loop").symlink_to(images / "val/dog")
    skipped = count(images)[2]
    assert "dead links: 3" in skipped and "neither files nor folders: 1" in skipped
    assert "other kinds (" in skipped and "): 4" in skipped and "\n" not in skipped
    assert "links to a folder above: 1" in skipped


def test_nothing_is_said_where_all_is_read(images: Path) -> None:
    assert count(images) == (10, 4, "")


def test_images_at_any_depth_and_behind_links_are_read(images: Path, picture, tmp_path) -> None:
    picture(images / "train/cat/images/deeper/9.png", 9)
    picture(tmp_path / "elsewhere/8.png", 8)
    (images / "val/dog/linked.png").symlink_to(tmp_path / "elsewhere/8.png")
    (images / "val/dog/folder").symlink_to(tmp_path / "elsewhere")
    assert count(images) == (11, 6, "")


def make_tiny_imagenet(root: Path) -> list[str]:
    """Turn a folder into Tiny ImageNet's layout; the lines of its annotations."""
    lines = []
    for kind in ("cat", "dog"):
        inside = root / "train" / kind / "images"
        inside.mkdir()
        for path in list((root / "train" / kind).glob("*.png")):
            path.rename(inside / path.name)
        for path in list((root / "val" / kind).glob("*.png")):
            name = f"{kind}_{path.name}"
            (root / "val/images").mkdir(exist_ok=True)
            path.rename(root / "val/images" / name)
            lines.append(f"{name}\t{kind}\t0\t0\t62\t62")
        shutil.rmtree(root / "val" / kind)
    (root / "val/val_annotations.txt").write_text("\n".join(reversed(lines)) + "\n")
    return lines


def test_tiny_imagenet_is_the_same_data(images: Path) -> None:
    before = load(f"folder:{images}", 8)
    make_tiny_imagenet(images)
    after = load(f"folder:{images}", 8)
    everything = np.arange(4)
    assert np.array_equal(before.test.images(everything), after.test.images(everything))
    assert np.array_equal(before.test.labels, after.test.labels)
    assert count(images) == (10, 4, "")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda lines: [*lines, lines[0]], "line 5: cat_0.png: no such image, or it is listed"),
        (lambda lines: [*lines, "x.png\tcat"], "line 5: x.png: no such image"),
        (lambda lines: [lines[0].replace("\tcat", "\tlynx")], "line 1: .*'lynx' is not in train/"),
        (lambda lines: ["nonsense"], "line 1: nonsense: class '' is not in train/"),
        (
            lambda lines: lines[:2],
            "val/dog has no image .*images that val_annotations.txt lacks: 2",
        ),
    ],
)
def test_wrong_annotations_are_named(images: Path, change, words: str) -> None:
    lines = make_tiny_imagenet(images)
    (images / "val/val_annotations.txt").write_text("\n".join(change(lines)))
    with pytest.raises(DataError, match=words):
        load(f"folder:{images}", 8)


def test_images_that_the_annotations_lack_are_counted(images: Path, picture) -> None:
    make_tiny_imagenet(images)
    picture(images / "val/images/more.png", 5)
    assert count(images)[1:] == (4, "images that val_annotations.txt lacks: 1")


@pytest.mark.parametrize("split", ["train", "val"])
@pytest.mark.parametrize("below", ["", "images/"])
def test_a_split_without_class_folders_says_what_to_do(
    images: Path, picture, split: str, below: str
) -> None:
    shutil.rmtree(images / split)
    picture(images / split / f"{below}0.png", 0)
    with pytest.raises(DataError, match=f"{below}0.png; put each into a folder named as its class"):
        require(f"folder:{images}")


@pytest.mark.parametrize("name", ["café", "\u212bngstr\u00f6m", "한글", "が"])
@pytest.mark.parametrize("forms", [("NFC", "NFD"), ("NFD", "NFC"), ("NFD", "NFD")])
def test_names_in_other_unicode_forms_are_one_class(images: Path, name: str, forms) -> None:
    for split, form in zip(("train", "val"), forms, strict=True):
        (images / split / "cat").rename(images / split / normalize(form, name))
    assert set(load(f"folder:{images}", 8).class_names) == {normalize("NFC", name), "dog"}
    assert count(images) == (10, 4, "")


def test_two_folders_that_look_equal_are_refused(images: Path, picture) -> None:
    for form in ("NFC", "NFD"):
        picture(images / "train" / normalize(form, "é") / "0.png", 0)
    with pytest.raises(DataError, match="two folders é whose names differ in Unicode form only"):
        require(f"folder:{images}")


def test_the_first_of_several_frames_is_read(images: Path) -> None:
    frames = [Image.new("RGB", (9, 9), colour) for colour in ("red", "blue")]
    frames[0].save(images / "val/cat/0.gif", save_all=True, append_images=frames[1:])
    frames[0].save(images / "val/cat/00.avif")
    data = load(f"folder:{images}", 8)
    assert len(data.test) == 6
    red = data.test.images(np.array([0]))[0, :, 4, 4]
    assert red[0] > 240 and red[1:].max() < 15
