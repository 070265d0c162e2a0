"""Where a run may write, and where not."""

from __future__ import annotations

import multiprocessing
import shutil
from collections import namedtuple
from pathlib import Path

import pytest

from runners.records.errors import UserError
from runners.store import run_folder
from runners.store.run_folder import STUDY_FILE, choose, lock_run_folder

NAMES = ["fwa", "none"]


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def refused(action, *words):
    with pytest.raises(UserError) as caught:
        action()
    assert "\n" not in str(caught.value)
    assert all(word in str(caught.value) for word in words), caught.value


def used(path):
    Path(path).mkdir(parents=True)
    (Path(path) / STUDY_FILE).touch()
    return Path(path)


def test_a_new_folder_has_time_and_arms_in_its_name(here):
    folder = choose(None, NAMES, resume=False)
    assert folder.parent == Path("runs") and folder.name.endswith("-fwa-none")
    assert list(here.iterdir()) == []
    assert choose(None, list("abcdef"), resume=False).name.endswith("-a-and-5-more")


@pytest.mark.parametrize("names", [["a/b", "../x"], ["fwa:window=3,x=*"], ["x" * 90] * 4])
def test_any_arms_make_a_folder_name(names, here):
    folder = choose(None, names, resume=False)
    assert folder.parent == Path("runs")
    with lock_run_folder(folder):
        assert [path.parent.name for path in here.glob("runs/*/.lock")] == [folder.name]
    (folder / STUDY_FILE).touch()
    assert choose(None, names, resume=True) == folder


def test_out_is_taken_as_it_is(here):
    assert choose(Path("new/deep"), NAMES, resume=False) == Path("new/deep")
    Path("empty").mkdir()
    assert choose(Path("empty"), NAMES, resume=False) == Path("empty")
    assert list(here.iterdir()) == [here / "empty"]


def test_out_that_cannot_be(here):
    Path("file").touch()
    refused(lambda: choose(Path("file"), NAMES, resume=False), "--out file is a file")
    used("used")
    refused(lambda: choose(Path("used"), NAMES, resume=False), "used is already used", "--resume")
    assert choose(Path("used"), NAMES, resume=True) == Path("used")


def test_nothing_to_resume():
    refused(lambda: choose(Path("new"), NAMES, resume=True), "nothing to resume in new")
    refused(lambda: choose(None, NAMES, resume=True), "no run of fwa none in runs/")
    used("runs/20250101-000000-other")
    Path("runs/20250101-000000-fwa-none").mkdir()
    refused(lambda: choose(None, NAMES, resume=True), "nothing to resume")


def test_the_newest_run_of_these_arms_is_resumed():
    for stamp in ("20250101-000000", "20250301-000000", "20250201-000000"):
        used(f"runs/{stamp}-fwa-none")
    used("runs/20260101-000000-fwa")
    used("runs/20260101-000000-softmax-fwa-none")
    chosen = choose(None, NAMES, resume=True)
    assert chosen == Path("runs/20250301-000000-fwa-none")


def test_opened_makes_the_folder_and_lets_it_go():
    with lock_run_folder(Path("a/b")) as folder:
        assert folder.is_dir()
    with lock_run_folder(Path("a/b")):
        pass


def hold(folder, locked, done):
    with lock_run_folder(folder):
        locked.set()
        done.wait(30)


def test_two_processes_cannot_share_a_folder():
    fork = multiprocessing.get_context("fork")
    locked, done = fork.Event(), fork.Event()
    other = fork.Process(target=hold, args=(Path("x"), locked, done))
    other.start()
    assert locked.wait(30)

    def enter():
        with lock_run_folder(Path("x")):
            pass

    refused(enter, "another process is using x")
    other.kill()  # even so its lock is gone
    other.join()
    enter()


@pytest.mark.parametrize("place", ["file/below", "/proc/nowhere", "/dev/null/x", "x" * 300])
def test_what_cannot_be_written(place, here):
    Path("file").touch()

    def enter():
        with lock_run_folder(Path(place)):
            pass

    refused(enter, "cannot write to")
    assert [path.name for path in here.iterdir()] == ["file"]


@pytest.mark.parametrize("place", ["new", "deep/new"])
def test_a_full_disk_is_found_before_anything_is_made(monkeypatch, here, place):
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(100, 97, 3 * 2**20))

    def enter():
        with lock_run_folder(Path(place)):
            pass

    refused(enter, "cannot write to", "only 3 MiB are free", "needs 16")
    assert list(here.iterdir()) == []
    assert run_folder._LEAST_FREE_BYTES == 16 * 2**20
