"""Fetching: sources in turn, verified content, nothing half written."""

from __future__ import annotations

import errno
import hashlib
import os
import socket
from pathlib import Path

import numpy as np
import pytest

import bench
from runners.data import fetch, fetching, idx
from runners.data.cache import cache_folder, read_verified
from runners.data.fetching import fetch_from
from runners.data.sources import PINS, SOURCES, ArchiveFormat, Method, Source, SourceFile
from runners.records.errors import DataError

FILE_NAMES = ("train-images.idx", "train-labels.idx")
ARRAYS = (np.arange(48, dtype=np.uint8).reshape(3, 4, 4), np.array([0, 1, 2], np.uint8))
PINNED = {
    name: hashlib.sha256(idx.encode(array)).hexdigest()
    for name, array in zip(FILE_NAMES, ARRAYS, strict=True)
}
FILES = tuple(
    SourceFile(name.replace(".idx", ".gz"), "sha256", digest, gzipped=True)
    for name, digest in PINNED.items()
)


def make_source(method: Method, location: str, **options: str) -> Source:
    return Source(method, location, ArchiveFormat.GZIPPED_IDX, FILES, **options)


@pytest.fixture
def official(tmp_path: Path) -> Path:
    folder = tmp_path / "official"
    folder.mkdir()
    for file, array in zip(FILES, ARRAYS, strict=True):
        idx.write(folder / file.name, array)
    return folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the data set goes."""
    return tmp_path / "cache" / "tiny"


def publish(site, official: Path, below: str) -> Source:
    for path in official.iterdir():
        site.files[f"{below}/{path.name}"] = path.read_bytes()
    return make_source(Method.WEB, site.url + below)


def is_valid(folder: Path) -> bool:
    return list(read_verified(folder, PINNED)) == [folder / name for name in FILE_NAMES]


def assert_nothing_left(folder: Path) -> None:
    """The cache has neither the data set nor a part of it."""
    assert not folder.exists()
    assert {path.name for path in folder.parent.iterdir()} <= {".tiny.lock"}


def test_from_the_web_then_from_the_cache(site, official: Path, folder: Path) -> None:
    web = publish(site, official, "/a")
    assert fetch_from([web], PINNED, folder) == folder
    for name, array in zip(FILE_NAMES, ARRAYS, strict=True):
        assert np.array_equal(idx.read(folder / name), array)
    assert len(site.requests) == 2
    assert fetch_from([web], PINNED, folder) == folder
    assert len(site.requests) == 2
    assert {path.name for path in folder.parent.iterdir()} <= {".tiny.lock", "tiny"}


def test_progress_counts_the_bytes_of_each_file(site, official: Path, folder: Path) -> None:
    calls: list[tuple[str, int, int | None]] = []
    fetch_from([publish(site, official, "/a")], PINNED, folder, lambda *call: calls.append(call))
    for file in FILES:
        size = (official / file.name).stat().st_size
        steps = [call[1:] for call in calls if call[0] == f"{site.url}/a/{file.name}"]
        assert steps[-1] == (size, size)
        assert all(0 < done <= size == total for done, total in steps)


def test_a_file_that_the_server_declares_as_encoded(site, official: Path, folder: Path) -> None:
    site.headers["Content-Encoding"] = "gzip"  # the client decompresses it
    fetch_from([publish(site, official, "/a")], PINNED, folder)
    assert is_valid(folder)


def test_a_damaged_cache_is_fetched_again(site, official: Path, folder: Path) -> None:
    web = publish(site, official, "/a")
    fetch_from([web], PINNED, folder)
    (folder / "train-images.idx").write_bytes(b"damaged")
    with pytest.raises(DataError, match=r"train-images\.idx is damaged"):
        read_verified(folder, PINNED)
    fetch_from([web], PINNED, folder)
    assert is_valid(folder)


def test_a_wrong_checksum_fails_the_source_and_the_next_is_tried(
    site, official, folder, tmp_path
) -> None:
    bad, good = publish(site, official, "/bad"), publish(site, official, "/good")
    idx.write(tmp_path / "other.gz", ARRAYS[0] + 1)
    site.files["/bad/train-images.gz"] = (tmp_path / "other.gz").read_bytes()
    fetch_from([bad, good], PINNED, folder)
    assert site.requests[:2] == ["/bad/train-images.gz", "/good/train-images.gz"]
    assert is_valid(folder)


def test_a_wrong_checksum_of_the_only_source_leaves_nothing(site, official, folder) -> None:
    source = publish(site, official, "/bad")
    idx.write(official / "train-images.gz", ARRAYS[0] + 1)
    site.files["/bad/train-images.gz"] = (official / "train-images.gz").read_bytes()
    with pytest.raises(DataError, match=r"train-images\.gz has sha256 \w{12}\.\.\., not \w{12}"):
        fetch_from([source], PINNED, folder)
    assert_nothing_left(folder)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupted_download_leaves_nothing_and_the_next_call_starts_anew(
    site, official, folder, error
) -> None:
    web = publish(site, official, "/a")

    def interrupt(*_: object) -> None:
        raise error

    with pytest.raises(error):
        fetch_from([web], PINNED, folder, interrupt)
    assert_nothing_left(folder)
    fetch_from([web], PINNED, folder)
    assert is_valid(folder)


def test_files_of_a_killed_process_are_deleted(site, official: Path, folder: Path) -> None:
    remains = folder.with_name(".tiny.downloads") / "converted" / "train-images.idx"
    remains.parent.mkdir(parents=True)
    remains.write_bytes(b"half of it")
    (remains.parents[1] / "train-images.gz").write_bytes(b"half of it")
    fetch_from([publish(site, official, "/a")], PINNED, folder)
    assert is_valid(folder)
    assert {path.name for path in folder.parent.iterdir()} <= {".tiny.lock", "tiny"}


def test_failures_of_all_sources_are_listed_on_one_line(site, official, folder, tmp_path) -> None:
    cut = publish(site, official, "/cut")
    site.cuts = [20]
    with socket.socket() as closed:  # bound, but not listening
        closed.bind(("127.0.0.1", 0))
        sources = [
            cut,
            make_source(Method.WEB, site.url + "/none"),
            make_source(Method.WEB, f"http://127.0.0.1:{closed.getsockname()[1]}"),
            make_source(Method.WEB, "http://host.invalid"),
            make_source(Method.INSTALLED, str(tmp_path / "nowhere")),
        ]
        with pytest.raises(DataError) as caught:
            fetch_from(sources, PINNED, folder)
    message = str(caught.value)
    assert "\n" not in message and "object at" not in message
    assert message.startswith("could not fetch tiny from any source: (1) download http://127.0.0.1")
    reasons = message.split("; (")
    assert "20 bytes read" in reasons[0] or "is truncated" in reasons[0]
    assert reasons[1].endswith("/none: HTTP 404 Not Found")
    assert reasons[2].endswith(": Connection refused")
    assert reasons[3].startswith("4) download http://host.invalid: ")
    assert reasons[4].endswith("nowhere: there is no train-images.gz")
    assert_nothing_left(folder)
    fetch_from([cut], PINNED, folder)
    assert is_valid(folder)


@pytest.mark.parametrize("location", ["file:///etc", "ftp://127.0.0.1/a", "a"])
def test_only_http_addresses_are_downloaded(location: str, folder: Path) -> None:
    with pytest.raises(DataError, match=r"(No connection adapters|No scheme supplied)"):
        fetch_from([make_source(Method.WEB, location)], PINNED, folder)


def test_a_silent_server_is_given_up(monkeypatch, folder: Path) -> None:
    monkeypatch.setattr(fetching, "_TIMEOUT_S", 0.2)
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        source = make_source(Method.WEB, f"http://127.0.0.1:{silent.getsockname()[1]}")
        with pytest.raises(DataError, match="timed out"):
            fetch_from([source], PINNED, folder)


def test_an_installed_folder(official: Path, folder: Path) -> None:
    fetch_from([make_source(Method.INSTALLED, str(official))], PINNED, folder)
    assert is_valid(folder)
    assert (official / "train-images.gz").exists()


@pytest.mark.parametrize(("method", "tool"), [(Method.DEBIAN, "apt-get"), (Method.NPM, "npm")])
def test_packages_are_obtained_with_their_tools(
    monkeypatch, official: Path, folder: Path, tmp_path: Path, method: Method, tool: str
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
    source = make_source(method, "pack", subfolder="inside" if method is Method.DEBIAN else "")
    fetch_from([source], PINNED, folder)
    assert is_valid(folder)

    (tools / tool).write_text(
        "#!/bin/sh\necho first >&2\necho 'E: no such package' >&2\nexit 100\n"
    )
    with pytest.raises(DataError, match=f"{tool} failed: E: no such package$"):
        fetch_from([source], PINNED, folder.with_name("other"))

    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DataError, match=f"{tool} is not installed$"):
        fetch_from([source], PINNED, folder.with_name("other"))


def test_a_conversion_with_other_content_is_refused(official: Path, folder: Path) -> None:
    pins = PINNED | {"train-labels.idx": "0" * 64}
    with pytest.raises(DataError, match=r"after conversion, .* is damaged: SHA-256"):
        fetch_from([make_source(Method.INSTALLED, str(official))], pins, folder)
    assert_nothing_left(folder)


def test_a_full_disk_ends_the_fetch_without_trying_other_sources(
    monkeypatch, site, official, folder
) -> None:
    if not os.path.exists("/dev/full"):
        pytest.skip("this system has no /dev/full")
    download = fetching._download

    def download_to_full_disk(url, target, progress):
        target.symlink_to("/dev/full")
        download(url, target, progress)

    monkeypatch.setattr(fetching, "_download", download_to_full_disk)
    with pytest.raises(OSError) as caught:
        fetch_from([publish(site, official, "/a"), publish(site, official, "/b")], PINNED, folder)
    assert caught.value.errno == errno.ENOSPC
    assert site.requests == ["/a/train-images.gz"]
    assert_nothing_left(folder)


def test_a_cache_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(DataError, match=r"cannot write to .*file: .*; set LOLVIT_DATA"):
        fetch_from([make_source(Method.INSTALLED, "a")], PINNED, tmp_path / "file" / "tiny")


def test_names_that_cannot_be_fetched(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOLVIT_DATA", str(tmp_path))
    with pytest.raises(DataError, match="unknown data set 'cifar'; did you mean 'cifar10'"):
        fetch("cifar")
    with pytest.raises(DataError, match="ships with the project"):
        fetch("fashion-mnist-mini")


def test_the_command_fetches_and_prints_the_folder(monkeypatch, capsys, official, tmp_path) -> None:
    monkeypatch.setenv("LOLVIT_DATA", str(tmp_path / "cache"))
    monkeypatch.setitem(PINS, "cifar10", PINNED)
    monkeypatch.setitem(SOURCES, "cifar10", (make_source(Method.INSTALLED, str(official)),))
    assert bench.main(["data", "fetch", "cifar10"]) == 0
    assert capsys.readouterr().out == f"cifar10 is in {tmp_path / 'cache' / 'cifar10'}\n"
    assert is_valid(tmp_path / "cache" / "cifar10")
    monkeypatch.setitem(SOURCES, "fashion-mnist", (make_source(Method.INSTALLED, "nowhere"),))
    assert bench.main(["data", "fetch", "fashion-mnist"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1 and "could not fetch fashion-mnist from any source" in error


def test_the_cache_folder_is_where_it_has_always_been(monkeypatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOLVIT_DATA", str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here"
    monkeypatch.delenv("LOLVIT_DATA")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "lolvit-bench"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert cache_folder() == tmp_path / ".cache" / "lolvit-bench"


def test_the_pins_are_complete_and_every_source_is_pinned() -> None:
    for name, sources in SOURCES.items():
        assert list(PINS[name]) == [
            f"{part}.idx" for part in ("train-images", "train-labels", "test-images", "test-labels")
        ]
        assert all(len(pin) == 64 for pin in PINS[name].values())
        for source in sources:
            lengths = {"md5": 32, "sha256": 64}
            assert all(len(file.digest) == lengths[file.algorithm] for file in source.files)
