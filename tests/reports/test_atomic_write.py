"""A file written atomically is the old one or the whole new one."""

from __future__ import annotations

import errno
import os

import pytest

from reports.files import atomic_write


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_the_file_appears_only_when_it_is_complete(tmp_path):
    target = tmp_path / "table.md"
    target.write_text("old")
    with atomic_write(target) as draft:
        draft.write_text("new")
        assert target.read_text() == "old" and draft.parent == tmp_path
    assert target.read_text() == "new" and names(tmp_path) == ["table.md"]


@pytest.mark.parametrize(
    "error", [OSError("disk full"), ValueError("no"), KeyboardInterrupt("stop")]
)
def test_an_exception_leaves_the_old_file_and_no_temporary_one(tmp_path, error):
    target = tmp_path / "table.md"
    target.write_text("old")
    with pytest.raises(type(error), match=str(error)), atomic_write(target) as draft:
        draft.write_text("half")
        raise error
    assert names(tmp_path) == ["table.md"] and target.read_text() == "old"


def test_the_content_reaches_the_disk_before_the_rename(tmp_path, monkeypatch):
    steps = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda file: (steps.append("fsync"), fsync(file)))
    monkeypatch.setattr(os, "replace", lambda *paths: (steps.append("replace"), replace(*paths)))
    with atomic_write(tmp_path / "a") as draft:
        draft.write_bytes(b"x")
    assert steps == ["fsync", "replace"]


def test_what_a_killed_process_left_is_overwritten(tmp_path):
    target = tmp_path / "a"
    with atomic_write(target) as first:
        first.write_bytes(b"")
    first.write_bytes(b"longer than the next one")
    with atomic_write(target) as second:
        assert second == first
        second.write_bytes(b"new")
    assert names(tmp_path) == ["a"] and target.read_bytes() == b"new"


def test_errors_of_the_system_name_the_target(tmp_path, monkeypatch):
    target = tmp_path / "absent" / "a"
    with pytest.raises(FileNotFoundError) as caught, atomic_write(target) as draft:
        draft.write_bytes(b"x")
    assert caught.value.filename == str(target)

    def full(descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    target = tmp_path / "b"
    message = r"No space left on device: .*b'"
    with pytest.raises(OSError, match=message) as caught, atomic_write(target) as draft:
        draft.write_bytes(b"x")
    assert caught.value.filename == str(target) and names(tmp_path) == []


def test_an_error_of_another_file_keeps_its_name(tmp_path):
    with pytest.raises(FileNotFoundError) as caught, atomic_write(tmp_path / "a") as draft:
        draft.write_bytes((tmp_path / "source").read_bytes())
    assert caught.value.filename == str(tmp_path / "source")
