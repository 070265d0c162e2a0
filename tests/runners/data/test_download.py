from __future__ import annotations

import errno
from pathlib import Path
from urllib.error import HTTPError

import pytest

from runners.data.download import download
from runners.records.errors import DataError

BODY = bytes(range(256)) * 8000


def accept(_: Path) -> None:
    pass


def test_a_whole_file(site, tmp_path: Path) -> None:
    site.files["/a"] = BODY
    told: list[tuple[str, int, int | None]] = []
    download(f"{site.url}/a", tmp_path / "a", accept, lambda *step: told.append(step))
    assert (tmp_path / "a").read_bytes() == BODY
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert told[-1] == (f"{site.url}/a", len(BODY), len(BODY))


def test_a_cut_connection_is_resumed_where_it_broke(site, tmp_path: Path) -> None:
    site.files["/a"] = BODY
    site.cuts = [700_000, 500_000]
    download(f"{site.url}/a", tmp_path / "a", accept)
    assert (tmp_path / "a").read_bytes() == BODY
    assert [asked for _, asked in site.requests] == [None, "bytes=700000-", "bytes=1200000-"]


def test_a_dead_server_leaves_the_part_for_the_next_call(site, tmp_path: Path) -> None:
    site.files["/a"] = BODY
    site.cuts = [700_000, 0]
    with pytest.raises(ConnectionError, match=f"after 700000 of {len(BODY)} bytes"):
        download(f"{site.url}/a", tmp_path / "a", accept)
    assert not (tmp_path / "a").exists()
    assert (tmp_path / "a.part").stat().st_size == 700_000
    download(f"{site.url}/a", tmp_path / "a", accept)
    assert (tmp_path / "a").read_bytes() == BODY
    assert site.requests[-1][1] == "bytes=700000-"


def test_a_server_without_ranges_starts_over(site, tmp_path: Path) -> None:
    site.files["/a"] = BODY
    site.ranges = False
    (tmp_path / "a.part").write_bytes(b"x" * 1000)
    download(f"{site.url}/a", tmp_path / "a", accept)
    assert (tmp_path / "a").read_bytes() == BODY


@pytest.mark.parametrize("part", [BODY, BODY + b"too long"])
def test_a_part_as_long_as_the_file_or_longer(site, tmp_path: Path, part: bytes) -> None:
    site.files["/a"] = BODY
    (tmp_path / "a.part").write_bytes(part)
    download(f"{site.url}/a", tmp_path / "a", accept)
    assert (tmp_path / "a").read_bytes() == BODY


def test_a_refused_file_is_deleted(site, tmp_path: Path) -> None:
    site.files["/a"] = BODY

    def refuse(path: Path) -> None:
        raise DataError(f"{path.name} is wrong")

    with pytest.raises(DataError, match=r"a\.part is wrong"):
        download(f"{site.url}/a", tmp_path / "a", refuse)
    assert not list(tmp_path.iterdir())


def test_a_missing_file(site, tmp_path: Path) -> None:
    with pytest.raises(HTTPError, match="404"):
        download(f"{site.url}/a", tmp_path / "a", accept)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("scheme", ["file:///etc/hostname", "ftp://127.0.0.1/a", "a"])
def test_only_http(tmp_path: Path, scheme: str) -> None:
    with pytest.raises(DataError, match="not an http or https address"):
        download(scheme, tmp_path / "a", accept)


def test_a_full_disk_is_told_as_such(site, tmp_path: Path) -> None:
    full = Path("/dev/full")
    if not full.exists():
        pytest.skip("this system has no /dev/full")
    site.files["/a"] = BODY
    (tmp_path / "a.part").symlink_to(full)
    with pytest.raises(OSError) as caught:
        download(f"{site.url}/a", tmp_path / "a", accept)
    assert caught.value.errno == errno.ENOSPC
