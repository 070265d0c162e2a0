"""Stored runs of every kind are read for a report, and never changed."""

from __future__ import annotations

import gzip
import json
import shutil
import sqlite3
from pathlib import Path

import pytest

from reports.runs.run import RunKind
from runners.jobs.read_run import read_run
from runners.records.errors import UserError
from tests.bench_runs import ROOT, bench_in_process, one_line, tree
from tests.reports.studies import arm, store

TABULAR = str(ROOT / "configs" / "lolvit-tabular.yaml")
OLD = Path(__file__).parent / "store/version_0_1"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A comparison, a sweep and a scaling study."""
    folder = tmp_path_factory.mktemp("runs")
    store(folder / "compared", arm("fwa"), arm("none", noise=1), arm("linear", reason="boom"))
    sweep = ("sweep", TABULAR, "--engine", "tabular", "--trials", "30", "--out", "searched")
    assert bench_in_process(folder, *sweep, "--quiet").returncode == 0
    scale = ("scale", "none", "linear", "--sides", "4", "8", "--widths", "16", "--out", "scaled")
    assert bench_in_process(folder, *scale, "--quiet").returncode == 0
    return folder


@pytest.fixture
def folder(runs, tmp_path):
    shutil.copytree(runs, tmp_path, dirs_exist_ok=True)
    return tmp_path


def test_each_kind_is_read_and_nothing_is_changed(folder):
    before = tree(folder)
    kinds = {name: read_run(folder / name, name).kind for name in ("compared", "searched")}
    assert kinds == {"compared": RunKind.COMPARISON, "searched": RunKind.SWEEP}
    scaled = read_run(folder / "scaled", "scaled")
    assert scaled.kind is RunKind.SCALING and len(scaled.rows) == 3 * 2  # with softmax
    assert tree(folder) == before


def test_rows_of_a_sweep_are_those_that_it_published(folder):
    run = read_run(folder / "searched", "s")
    trials = (folder / "searched/trials.csv").read_bytes()
    done = bench_in_process(folder, "report", "searched", "--out", "out")
    assert done.returncode == 0, done.stderr
    assert (folder / "out/trials.csv").read_bytes() == trials
    assert (folder / "out/front.csv").read_bytes() == (folder / "searched/front.csv").read_bytes()
    assert {row["state"] for row in run.rows} == {"finished", "pruned"}


def test_points_of_a_study_are_read_without_loss(folder):
    done = bench_in_process(folder, "report", "scaled", "--out", "out")
    assert done.returncode == 0, done.stderr
    assert (folder / "out/scale.csv").read_bytes() == (folder / "scaled/scale.csv").read_bytes()
    assert (folder / "out/scale.png").read_bytes() == (folder / "scaled/scale.png").read_bytes()


def test_all_kinds_become_one_report(folder):
    done = bench_in_process(folder, "report", "compared", "searched", "scaled", "--out", "all")
    assert done.returncode == 0, done.stderr
    files = {path.name for path in (folder / "all").iterdir()}
    assert {"table.md", "searched-front.md", "scaled-scale.md", "index.html"} <= files
    assert "failed: boom" in (folder / "all/table.md").read_text()


def test_commands_repeat_arms_that_have_a_name(folder):
    store(folder / "ablation", arm("base"), arm("fwa.window=2", noise=1))
    assert read_run(folder / "ablation", "a").command("base") == ""
    command = read_run(folder / "compared", "c").command("fwa")
    assert command.startswith("python bench.py compare fwa --dataset tiny --epochs ")


WHERE = "FROM trial_user_attributes WHERE key = 'record'"


@pytest.mark.parametrize("change", ["{}", '{"name": 3}', '"text"', "newer"])
def test_a_record_that_cannot_be_read_is_named_and_left_out(folder, change):
    file = folder / "compared/study.db"
    connection = sqlite3.connect(file)
    row, value = connection.execute(
        f"SELECT trial_user_attribute_id, value_json {WHERE} ORDER BY 1"
    ).fetchone()
    if change == "newer":
        change = json.dumps({**json.loads(value), "colour": "of a later version"})
    update = "UPDATE trial_user_attributes SET value_json = ? WHERE trial_user_attribute_id = ?"
    connection.execute(update, (change, row))
    connection.commit()
    connection.close()
    run = read_run(folder / "compared", "c")
    assert [fields["name"] for fields in run.rows] == ["none", "linear"]
    done = bench_in_process(folder, "report", "compared")
    assert done.returncode == 0, done.stderr
    assert "WARNING: records that are damaged or of a newer version are left out" in done.stdout


def test_folders_that_are_no_run(folder):
    for name in ("empty", "half", "json"):
        (folder / name).mkdir()
    (folder / "half/sweep.json").write_text('{"name": "x"')
    (folder / "json/sweep.json").write_text("[]")
    (folder / "csv").mkdir()
    (folder / "csv/scale.csv").write_text("mixer,side\nfwa\n")
    for name, words in {
        "empty": ["no study in empty"],
        "half": ["cannot read half/sweep.json"],
        "json": ["cannot read json/sweep.json"],
        "csv": ["cannot read csv/scale.csv"],
        "nowhere": ["no study in nowhere"],
    }.items():
        before = tree(folder)
        done = bench_in_process(folder, "report", name, "--out", "out")
        assert (done.returncode, done.stdout, tree(folder)) == (2, "", before)
        one_line(done.stderr, *words)


def test_a_folder_that_holds_files_needs_force(folder):
    (folder / "out").mkdir()
    (folder / "out/mine").write_text("kept")
    done = bench_in_process(folder, "report", "compared", "--out", "out")
    assert done.returncode == 2
    one_line(done.stderr, "out is not empty", "--force")
    assert bench_in_process(folder, "report", "compared", "--out", "out", "--force").returncode == 0
    assert (folder / "out/mine").read_text() == "kept"


def test_runs_of_the_first_version_are_read(tmp_path):
    for name in ("compare", "sweep"):
        (tmp_path / name).mkdir()
        content = gzip.decompress((OLD / f"{name}.db.gz").read_bytes())
        (tmp_path / name / "study.db").write_bytes(content)
    shutil.copy(OLD / "sweep.json", tmp_path / "sweep/sweep.json")
    assert read_run(tmp_path / "compare", "c").kind is RunKind.COMPARISON
    assert read_run(tmp_path / "sweep", "s").kind is RunKind.SWEEP


def test_a_run_without_results_is_refused(folder):
    with sqlite3.connect(folder / "searched/study.db") as connection:
        connection.execute("DELETE FROM trial_user_attributes")
    connection.close()
    with pytest.raises(UserError, match="nothing to report"):
        read_run(folder / "searched", "s")
