"""`bench.py report`: one run into its own folder, several into a new one or not at all."""

from __future__ import annotations

import shutil
import signal

import pytest

import bench as door
from tests.bench_runs import one_line, tree
from tests.reports.studies import arm, store


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    root = tmp_path_factory.mktemp("stored")
    store(root / "monday", arm("fwa"), arm("none", noise=1))
    store(root / "tuesday", arm("fwa", noise=2), arm("linear", noise=3))
    store(root / "elsewhere", arm("fwa", 9.0, machine={"cpu": "y"}))
    return root


@pytest.fixture
def place(stored, tmp_path, monkeypatch):
    shutil.copytree(stored, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "150")
    handler = signal.getsignal(signal.SIGTERM)
    yield tmp_path
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def refused(place, capfd):
    def run(*arguments, words):
        before = tree(place)
        assert door.main(["report", *arguments]) == 2
        out, err = capfd.readouterr()
        assert out == "" and tree(place) == before
        one_line(err, *words)

    return run


def test_one_run_goes_into_its_own_folder(place, capfd):
    assert door.main(["report", "monday"]) == 0
    out, _ = capfd.readouterr()
    assert "fwa, none on tiny" in out and out.rstrip().endswith("Files: monday/")
    assert "not separable" in (place / "monday/table.md").read_text()
    assert '""batch"": 64' in (place / "monday/records.csv").read_text()


def test_several_runs_become_one_table(place, capfd):
    assert door.main(["report", "monday", "tuesday", "--out", "both/week"]) == 0
    out, _ = capfd.readouterr()
    assert "fwa (monday), none, fwa (tuesday), linear on tiny" in out
    assert "Timed in another session than the baseline: fwa (tuesday), linear;" in " ".join(
        out.split()
    )
    assert {path.suffix for path in (place / "both/week").iterdir()} == {
        ".csv", ".md", ".tex", ".png", ".pdf",
    }  # fmt: skip


def test_other_machines_are_refused_by_name(refused):
    words = ["(cpu: x, y)", "--force"]
    refused("monday", "elsewhere", "--out", "both", words=words)


def test_other_machines_are_ranked_with_force(place, capfd):
    assert door.main(["report", "monday", "elsewhere", "--out", "both", "--force"]) == 0
    out, _ = capfd.readouterr()
    assert "WARNING: fingerprints differ (cpu: x, y): ranked all the same" in out
    assert "3.0" in out and "slower" in (place / "both/table.csv").read_text()


def test_what_is_wrong_with_the_folders(refused, place):
    (place / "full").mkdir()
    (place / "full/file").write_text("x")
    refused("monday", "tuesday", words=["--out FOLDER"])
    refused("monday", "./monday", "--out", "both", words=["monday is named twice"])
    refused("monday", "tuesday", "--out", "full", words=["--out full is not empty"])
    refused("monday", "tuesday", "--out", "full/file", words=["full/file is a file"])
    refused("monday", "nowhere", "--out", "both", words=["no study in nowhere"])


def test_folders_of_one_name_are_told_apart(place, capfd):
    for name, run in (("a", "monday"), ("b", "tuesday")):
        shutil.copytree(place / run, place / name / "run")
    assert door.main(["report", "a/run", "b/run", "--out", "both"]) == 0
    out, _ = capfd.readouterr()
    assert "fwa (a/run)" in out and "fwa (b/run)" in out


def test_random_inputs_have_no_place_in_the_title(place, capfd):
    record = arm("fwa")
    nowhere = {"dataset": "", "dataset_checksum": "", "dataset_note": "random inputs"}
    provenance = record.provenance.model_copy(update=nowhere)
    store(place / "blank", record.model_copy(update={"provenance": provenance, "quality": None}))
    assert door.main(["report", "blank"]) == 0
    assert (place / "blank/table.md").read_text().startswith("# fwa\n")
    assert "Data: random inputs." in (place / "blank/table.md").read_text()
