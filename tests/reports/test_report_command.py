"""`bench.py report`: one run into a folder in its own, several into a new one."""

from __future__ import annotations

import shutil
import signal

import pytest

from bench import main
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
def run_root(stored, tmp_path, monkeypatch):
    shutil.copytree(stored, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "150")
    handler = signal.getsignal(signal.SIGTERM)
    yield tmp_path
    signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def refused(run_root, capfd):
    def run(*arguments, parts):
        before = tree(run_root)
        assert main(["report", *arguments]) == 2
        out, err = capfd.readouterr()
        assert out == "" and tree(run_root) == before
        one_line(err, *parts)

    return run


def test_one_run_goes_into_its_own_folder(run_root, capfd):
    assert main(["report", "monday"]) == 0
    out, _ = capfd.readouterr()
    assert "fwa, none on tiny" in out and out.rstrip().endswith("Page: monday/report/index.html")
    assert "not separable" in (run_root / "monday/report/table.md").read_text()
    assert '""batch"": 64' in (run_root / "monday/report/records.csv").read_text()


def test_several_runs_become_one_table(run_root, capfd):
    assert main(["report", "monday", "tuesday", "--out", "both/week"]) == 0
    out, _ = capfd.readouterr()
    assert "fwa (monday), none, fwa (tuesday), linear on tiny" in out
    assert "Timed in another session than the baseline: fwa (tuesday), linear;" in " ".join(
        out.split()
    )
    assert {path.suffix for path in (run_root / "both/week").iterdir()} == {
        ".csv", ".md", ".tex", ".html", ".png", ".pdf", ".svg",
    }  # fmt: skip


def test_other_machines_are_refused_by_name(refused):
    parts = ["(cpu: x, y)", "--force"]
    refused("monday", "elsewhere", "--out", "both", parts=parts)


def test_other_machines_are_ranked_with_force(run_root, capfd):
    assert main(["report", "monday", "elsewhere", "--out", "both", "--force"]) == 0
    out, _ = capfd.readouterr()
    assert "WARNING: fingerprints differ (cpu: x, y): ranked because of --force" in out
    assert "3.0" in out and "slower" in (run_root / "both/table.csv").read_text()


def test_columns_are_chosen(refused, run_root, capfd):
    refused("monday", "--columns", "accuracy,mac", parts=["--columns", "'mac'", "macs"])
    assert main(["report", "monday", "--columns", "accuracy, macs"]) == 0
    out, _ = capfd.readouterr()
    header = next(line for line in out.splitlines() if "Accuracy" in line)
    assert header.split() == ["Accuracy", "MACs"]


def test_invalid_folders_are_refused(refused, run_root):
    (run_root / "full").mkdir()
    (run_root / "full/file").write_text("x")
    refused("monday", "tuesday", parts=["--out FOLDER"])
    refused("monday", "./monday", "--out", "both", parts=["monday is listed twice"])
    refused("monday", "tuesday", "--out", "full", parts=["--out full is not empty"])
    refused("monday", "tuesday", "--out", "full/file", parts=["full/file is a file"])
    refused("monday", "nowhere", "--out", "both", parts=["no study in nowhere"])


def test_folders_with_equal_names_go_by_their_paths(run_root, capfd):
    for name, run in (("a", "monday"), ("b", "tuesday")):
        shutil.copytree(run_root / run, run_root / name / "run")
    for out, root in (("both", ""), ("absolute", f"{run_root}/")):
        assert main(["report", f"{root}a/run", f"{root}b/run", "--out", out]) == 0
        text, _ = capfd.readouterr()
        assert "fwa (a/run)" in text and "fwa (b/run)" in text


def test_no_path_of_the_machine_is_in_a_report(run_root, capfd):
    for note in ("", "image folder flowers: 3 classes"):
        record = arm("fwa")
        data = {"dataset": f"folder:{run_root}/data/flowers", "dataset_note": note}
        provenance = record.provenance.model_copy(update=data)
        folder = run_root / f"images{len(note)}"
        store(folder, record.model_copy(update={"provenance": provenance}))
        assert main(["report", folder.name]) == 0
        out, _ = capfd.readouterr()
        table = (folder / "report/table.md").read_text()
        assert table.startswith("# fwa on folder:flowers\n")
        for text in (out, table, (folder / "report/table.tex").read_text()):
            assert "flowers" in text and str(run_root) not in text


def test_the_title_names_no_random_inputs(run_root, capfd):
    record = arm("fwa")
    random = {"dataset": "", "dataset_checksum": "", "dataset_note": "random inputs"}
    provenance = record.provenance.model_copy(update=random)
    store(run_root / "blank", record.model_copy(update={"provenance": provenance, "quality": None}))
    assert main(["report", "blank"]) == 0
    assert (run_root / "blank/report/table.md").read_text().startswith("# fwa\n")
    assert "Data: random inputs." in (run_root / "blank/report/table.md").read_text()
