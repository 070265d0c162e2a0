from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

import runners.data.fetch as fetching
from runners.data import idx
from runners.data.cache import cache_folder, fault
from runners.data.fetch import fetch, fetch_from
from runners.data.sources import PINS, SOURCES, Form, RawFile, Source, Way
from runners.records.errors import DataError

PARTS = ("train-images", "train-labels")
ARRAYS = (np.arange(48, dtype=np.uint8).reshape(3, 4, 4), np.array([0, 1, 2], np.uint8))
PINNED = {
    part: hashlib.sha256(idx.encode(array)).hexdigest()
    for part, array in zip(PARTS, ARRAYS, strict=True)
}
FILES = tuple(RawFile(f"{part}.gz", "sha256", PINNED[part], gzipped=True) for part in PARTS)


def source(way: Way, place: str, **more: str) -> Source:
    return Source(way, place, Form.GZIPPED_IDX, FILES, **more)


@pytest.fixture
def official(tmp_path: Path) -> Path:
    folder = tmp_path / "official"
    folder.mkdir()
    for file, array in zip(FILES, ARRAYS, strict=True):
        idx.write(folder / file.name, array)
    return folder


def publish(site, official: Path, below: str) -> str:
    for path in official.iterdir():
        site.files[f"{below}/{path.name}"] = path.read_bytes()
    return site.url + below


def test_from_the_web_then_from_the_cache(site, official: Path, tmp_path: Path) -> None:
    web = source(Way.WEB, publish(site, official, "/a"))
    folder = tmp_path / "cache" / "tiny"
    assert fetch_from([web], PINNED, folder) == folder
    for part, array in zip(PARTS, ARRAYS, strict=True):
        assert np.array_equal(idx.read(folder / f"{part}.idx"), array)
    asked = len(site.requests)
    assert asked == 2
    assert fetch_from([web], PINNED, folder) == folder
    assert len(site.requests) == asked
    assert sorted(path.name for path in folder.parent.iterdir()) in (
        [".tiny.lock", "tiny"],
        ["tiny"],
    )


def test_a_damaged_cache_is_fetched_again(site, official: Path, tmp_path: Path) -> None:
    web = source(Way.WEB, publish(site, official, "/a"))
    folder = tmp_path / "cache" / "tiny"
    fetch_from([web], PINNED, folder)
    (folder / "train-images.idx").write_bytes(b"damaged")
    assert fault(folder, PINNED)
    fetch_from([web], PINNED, folder)
    assert not fault(folder, PINNED)


def test_a_wrong_download_is_that_sources_failure(site, official: Path, tmp_path: Path) -> None:
    bad = source(Way.WEB, publish(site, official, "/bad"))
    good = source(Way.WEB, publish(site, official, "/good"))
    idx.write(tmp_path / "other.gz", ARRAYS[0] + 1)
    site.files["/bad/train-images.gz"] = (tmp_path / "other.gz").read_bytes()
    fetch_from([bad, good], PINNED, tmp_path / "cache" / "tiny")
    assert [path for path, _ in site.requests][:2] == [
        "/bad/train-images.gz",
        "/good/train-images.gz",
    ]


def test_a_file_damaged_between_two_tries_is_fetched_again(site, official, tmp_path) -> None:
    place = source(Way.WEB, publish(site, official, "/a"))
    second = site.files.pop("/a/train-labels.gz")
    folder = tmp_path / "cache" / "tiny"
    with pytest.raises(DataError, match="404"):
        fetch_from([place], PINNED, folder)
    (done,) = folder.parent.rglob("train-images.gz")
    done.write_bytes(b"damaged")
    site.files["/a/train-labels.gz"] = second
    fetch_from([place], PINNED, folder)
    assert not fault(folder, PINNED)


def test_all_sources_failing_are_listed_on_one_line(site, official: Path, tmp_path: Path) -> None:
    cut = source(Way.WEB, publish(site, official, "/cut"))
    site.cuts = [20, 0]
    places = [
        cut,
        source(Way.WEB, site.url + "/none"),
        source(Way.INSTALLED, str(tmp_path / "nowhere")),
    ]
    folder = tmp_path / "cache" / "tiny"
    with pytest.raises(DataError) as caught:
        fetch_from(places, PINNED, folder)
    said = str(caught.value)
    assert "\n" not in said
    assert said.startswith("could not fetch tiny from any source: (1) download http://127.0.0.1")
    assert "/cut: connection closed after 20 of" in said
    assert "/none: HTTP 404 Not Found" in said
    assert "nowhere: there is no train-images.gz" in said
    assert not folder.exists()
    # The twenty bytes wait for the next try, which asks for the rest only.
    fetch_from([cut], PINNED, folder)
    assert ("/cut/train-images.gz", "bytes=20-") in site.requests


def test_an_installed_folder(official: Path, tmp_path: Path) -> None:
    folder = fetch_from([source(Way.INSTALLED, str(official))], PINNED, tmp_path / "cache" / "tiny")
    assert not fault(folder, PINNED)
    assert (official / "train-images.gz").exists()


@pytest.mark.parametrize(("way", "tool"), [(Way.DEBIAN, "apt-get"), (Way.NPM, "npm")])
def test_packages_by_way_of_their_tools(
    monkeypatch, official: Path, tmp_path: Path, way: Way, tool: str
) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    scripts = {
        "apt-get": '[ "$1 $2" = "download pack" ] && : > pack_1_all.deb',
        "dpkg-deb": f'[ "$2" = pack_1_all.deb ] && mkdir -p $3/inside && cp {official}/* $3/inside',
        "npm": f'[ "$1 $2" = "pack pack" ] && cp {official}/* .',
    }
    for name, script in scripts.items():
        (tools / name).write_text(f"#!/bin/sh\n{script}\n")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=os.pathsep)
    inside = "inside" if way is Way.DEBIAN else ""
    place = source(way, "pack", inside=inside)
    folder = fetch_from([place], PINNED, tmp_path / "cache" / "tiny")
    assert not fault(folder, PINNED)

    (tools / tool).write_text(
        "#!/bin/sh\necho first >&2\necho 'E: no such package' >&2\nexit 100\n"
    )
    with pytest.raises(DataError, match=f"{tool} failed: E: no such package$"):
        fetch_from([place], PINNED, tmp_path / "cache" / "other")

    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataError, match=f"{tool} is not installed$"):
        fetch_from([place], PINNED, tmp_path / "cache" / "other")


def test_a_conversion_that_gives_other_content_is_refused(official: Path, tmp_path: Path) -> None:
    pins = PINNED | {"train-labels": "0" * 64}
    with pytest.raises(DataError, match=r"after conversion, .*has SHA-256"):
        fetch_from([source(Way.INSTALLED, str(official))], pins, tmp_path / "cache" / "tiny")
    assert not (tmp_path / "cache" / "tiny").exists()


def test_a_full_disk_is_not_blamed_on_the_source(monkeypatch, official, tmp_path: Path) -> None:
    def full(*_: object) -> Path:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(fetching, "obtain", full)
    with pytest.raises(OSError, match="No space left"):
        fetch_from([source(Way.INSTALLED, "a")] * 2, PINNED, tmp_path / "cache" / "tiny")


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match=r"cannot write to .*file: .*; set LOLVIT_DATA"):
        fetch_from([source(Way.INSTALLED, "a")], PINNED, tmp_path / "file" / "tiny")


def test_names(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOLVIT_DATA", str(tmp_path))
    with pytest.raises(DataError, match="did you mean 'cifar10'"):
        fetch("cifar")
    with pytest.raises(DataError, match="ships with the project"):
        fetch("fashion-mnist-mini")


def test_where_the_cache_is(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOLVIT_DATA", str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here"
    monkeypatch.delenv("LOLVIT_DATA")
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "lolvit-bench"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "lolvit-bench"


def test_the_pins_are_whole_and_every_source_is_pinned() -> None:
    for name, sources in SOURCES.items():
        assert list(PINS[name]) == ["train-images", "train-labels", "test-images", "test-labels"]
        assert all(len(pin) == 64 for pin in PINS[name].values())
        for place in sources:
            assert all(len(f.digest) == {"md5": 32, "sha256": 64}[f.algorithm] for f in place.files)
