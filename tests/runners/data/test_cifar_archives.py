from __future__ import annotations

import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from runners.data import cifar
from runners.records.errors import DataError

STEMS = ("data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5")
STEMS += ("test_batch",)


def content() -> tuple[list[np.ndarray], list[np.ndarray]]:
    draw = np.random.default_rng(0)
    pixels = [draw.integers(0, 256, (4, 3, 32, 32), np.uint8) for _ in STEMS]
    return pixels, [draw.integers(0, 10, 4).astype(np.uint8) for _ in STEMS]


def binary_members() -> dict[str, bytes]:
    records = (
        np.concatenate([labels[:, None], pixels.reshape(len(labels), -1)], axis=1)
        for pixels, labels in zip(*content(), strict=True)
    )
    return {
        f"cifar-10-batches-bin/{stem}.bin": record.tobytes()
        for stem, record in zip(STEMS, records, strict=True)
    }


def sheet_members() -> dict[str, bytes]:
    pixels, labels = content()
    members = {}
    for stem, images in zip(STEMS, pixels, strict=True):
        sheet = io.BytesIO()
        rows = images.transpose(0, 2, 3, 1).reshape(len(images), 1024, 3)
        Image.fromarray(rows).save(sheet, "PNG")
        members[f"package/{stem}.png"] = sheet.getvalue()
    members["package/train_lables.json"] = json.dumps(np.concatenate(labels[:5]).tolist()).encode()
    members["package/test_lables.json"] = json.dumps(labels[5].tolist()).encode()
    return members


def pack(path: Path, members: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, data in {"../evil": b"x", **members}.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


CASES = pytest.mark.parametrize(
    ("read", "members"),
    [(cifar.read_binary, binary_members), (cifar.read_sheets, sheet_members)],
    ids=["binary", "sheets"],
)


@CASES
def test_both_forms_give_the_same_arrays(tmp_path: Path, read, members) -> None:
    pixels, labels = content()
    train, train_labels, test, test_labels = read(pack(tmp_path / "a.tgz", members()))
    assert np.array_equal(train, np.concatenate(pixels[:5]))
    assert np.array_equal(train_labels, np.concatenate(labels[:5]))
    assert np.array_equal(test, pixels[5])
    assert np.array_equal(test_labels, labels[5])
    assert sorted(path.name for path in tmp_path.parent.rglob("*evil*")) == []


@CASES
def test_a_missing_member_is_named(tmp_path: Path, read, members) -> None:
    members_by_name = members()
    name = next(name for name in members_by_name if "data_batch_3" in name)
    del members_by_name[name]
    with pytest.raises(DataError, match=f"lacks {name}"):
        read(pack(tmp_path / "a.tgz", members_by_name))


@CASES
def test_a_broken_archive_is_named(tmp_path: Path, read, members) -> None:
    path = pack(tmp_path / "a.tgz", members())
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(DataError, match=r"a\.tgz is not a valid tar\.gz"):
        read(path)


@CASES
def test_a_link_is_not_followed(tmp_path: Path, read, members) -> None:
    members_by_name = members()
    name = next(iter(members_by_name))
    del members_by_name[name]
    path = pack(tmp_path / "a.tgz", members_by_name)
    link = tarfile.TarInfo(name)
    link.type = tarfile.SYMTYPE
    link.linkname = "/etc/passwd"
    with tarfile.open(path, "w:gz") as tar:
        tar.addfile(link)
    with pytest.raises(DataError, match="lacks"):
        read(path)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("package/data_batch_2.png", b"no image", "not a valid PNG"),
        ("package/train_lables.json", b"[1, 2", "not JSON"),
        ("package/train_lables.json", b"[1, 10]", "classes 0 to 9"),
        ("package/train_lables.json", b"[1, true]", "classes 0 to 9"),
        ("package/test_lables.json", b"[1, 2]", "different numbers of images"),
    ],
)
def test_broken_sheets(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    path = pack(tmp_path / "a.tgz", sheet_members() | {name: data})
    with pytest.raises(DataError, match=message):
        cifar.read_sheets(path)


def test_a_sheet_of_another_width(tmp_path: Path) -> None:
    sheet = io.BytesIO()
    Image.new("RGB", (1023, 4)).save(sheet, "PNG")
    path = pack(tmp_path / "a.tgz", sheet_members() | {"package/test_batch.png": sheet.getvalue()})
    with pytest.raises(DataError, match="not RGB 1024"):
        cifar.read_sheets(path)


def test_half_a_record(tmp_path: Path) -> None:
    members_by_name = binary_members()
    members_by_name["cifar-10-batches-bin/test_batch.bin"] += b"x"
    with pytest.raises(DataError, match=r"test_batch\.bin .* whole number of 3073-byte records"):
        cifar.read_binary(pack(tmp_path / "a.tgz", members_by_name))
