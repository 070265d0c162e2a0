"""`bench.py diff` from the command line: its output and exit codes."""

from __future__ import annotations

import argparse
import json
import shutil
import signal

import pytest

from bench import main
from runners.cli.diff import share
from tests.bench_runs import bench, one_line, tree
from tests.reports.studies import arm, store


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Runs by name; "before" is what the others are compared with."""
    root = tmp_path_factory.mktemp("diff") / "runs"
    other = {"cpu": "y", "commit": "bbb"}
    store(root / "before", arm("fwa"), arm("none", noise=1), arm("gone"))
    store(root / "again", arm("fwa", noise=2), arm("none", noise=3), arm("new"))
    store(root / "slower", arm("fwa", 3.5, noise=2), arm("none", noise=3))
    store(root / "failed", arm("fwa", reason="ValueError: boom"), arm("none", noise=3))
    store(root / "elsewhere", arm("fwa", 9.0, machine=other), arm("none", machine=other))
    store(root / "elsewhere-more-macs", arm("fwa", macs=50_000_000, machine=other))
    store(root / "single", arm("fwa", latency_rounds=[]))
    store(root / "unrelated", arm("pool"))
    return root.parent


@pytest.fixture
def diff(runs, monkeypatch, capfd):
    """Compare a run with "before" in this process: exit code, stdout, stderr."""
    monkeypatch.chdir(runs)
    monkeypatch.setenv("COLUMNS", "170")
    handler = signal.getsignal(signal.SIGTERM)

    def run(after, *options):
        before = tree(runs)
        try:
            code = main(["diff", "runs/before", f"runs/{after}", *options])
        except SystemExit as error:
            code = error.code
        assert tree(runs) == before
        return code, *capfd.readouterr()

    yield run
    signal.signal(signal.SIGTERM, handler)


def test_a_run_without_regression(diff):
    code, out, err = diff("again")
    assert (code, err) == (0, "")
    assert "runs/before (A) → runs/again (B)" in out
    assert out.count("not separable  ") == 2 and "only in A" in out and "only in B" in out
    assert out.splitlines()[-1].strip() == "No regression over 5 %."
    assert "--processes" not in out


def test_a_slower_run(diff):
    code, out, err = diff("slower")
    assert (code, err) == (1, "")
    assert "REGRESSION fwa: latency 3.004 → 3.497 ms, +16.4 %" in out.splitlines()[-1]
    assert diff("slower", "--fail-over", "30 %")[0] == 0
    assert diff("slower", "--fail-over=0.01")[0] == 1


def test_a_failed_arm(diff):
    code, out, err = diff("failed")
    assert (code, err) == (1, "")
    assert out.splitlines()[-1].startswith("REGRESSION fwa: failed: ValueError: boom.")


def test_another_machine_exits_with_2(diff):
    code, out, err = diff("elsewhere")
    assert code == 2
    one_line(err, "latencies are not comparable (cpu: x, y)", "use --force")
    assert "WARNING: latencies and peaks are not compared, conditions differ: cpu: x, y." in out
    assert out.count("other machine") == 2 and "commit:" not in out
    code, out, err = diff("elsewhere", "--force")
    assert (code, err) == (1, "")
    assert "because of --force, conditions differ: cpu: x, y." in out


def test_a_regression_takes_precedence_over_what_is_not_comparable(diff):
    code, out, err = diff("elsewhere-more-macs")
    assert (code, err) == (1, "")
    assert "other machine" in out and "REGRESSION fwa: MACs 25,000,000 → 50,000,000" in out


def test_a_single_process_is_a_note(diff):
    code, out, _ = diff("single")
    assert code == 0 and "Latencies of B come from one process" in out and "--processes 4" in out


def test_json_is_the_only_output(diff):
    code, out, err = diff("slower", "--json")
    assert (code, err) == (1, "")
    fwa, none, gone = json.loads(out)
    assert fwa["latency_verdict"] == "slower" and len(fwa["regressions"]) == 1
    assert none["latency_ms"]["low"] < 1 < none["latency_ms"]["high"] and not none["regressions"]
    assert gone["only_in"] == "A" and gone["macs"] is None
    code, out, err = diff("elsewhere", "--json")
    assert code == 2 and json.loads(out)[0]["costs_differing"] == {"cpu": ["x", "y"]}
    one_line(err, "--force")


def test_markdown_is_a_table_for_github(diff):
    code, out, err = diff("slower", "--markdown")
    assert (code, err) == (1, "")
    lines = out.splitlines()
    assert lines[0].startswith("# runs/before (A)")
    assert {line.count("|") for line in lines if line.startswith("|")} == {11}
    assert lines[-1].startswith("- REGRESSION fwa: latency ")


def test_the_study_itself_is_a_run(diff):
    assert diff("again/study.db")[0] == 0


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["unrelated"], ["no arm in common", "fwa, none, gone", "pool"]),
        (["nowhere"], ["no study in runs/nowhere"]),
        (["again", "--fail-over", "5"], ["5% or a fraction below 1", "got '5'"]),
        (["again", "--json", "--markdown"], ["not allowed with"]),
    ],
)
def test_refusals_are_one_line(diff, arguments, parts):
    code, out, err = diff(*arguments)
    assert (code, out) == (2, "")
    one_line(err, *parts)


def test_a_study_without_records_is_refused(diff, runs):
    (runs / "runs" / "empty").mkdir(exist_ok=True)
    shutil.copy(runs / "runs" / "unrelated" / "study.db", runs / "runs" / "empty" / "study.db")
    import sqlite3

    with sqlite3.connect(runs / "runs" / "empty" / "study.db") as connection:
        connection.execute("delete from trial_user_attributes")
    code, out, err = diff("empty")
    assert (code, out) == (2, "")
    one_line(err, "no arm of runs/empty has finished or failed yet")


@pytest.mark.parametrize(
    ("text", "value"),
    [("5%", 0.05), ("5 %", 0.05), ("0.05", 0.05), (".5", 0.5), ("0", 0), ("150%", 1.5)],
)
def test_shares(text, value):
    assert share(text) == pytest.approx(value)


@pytest.mark.parametrize(
    "text", ["5", "1", "-1%", "", "%", "nan", "inf", "5 percent", "1e-2", "٥%"]
)
def test_invalid_shares_are_refused(text):
    with pytest.raises(argparse.ArgumentTypeError, match="percentage"):
        share(text)


def test_diff_does_not_import_torch_pandas_or_matplotlib(runs):
    process = bench(runs, "diff", "runs/before", "runs/again", PYTHONPROFILEIMPORTTIME="1")
    assert process.returncode == 0
    imported = {line.rpartition("|")[2].strip() for line in process.stderr.splitlines()}
    assert "numpy" in imported and not imported & {"torch", "pandas", "matplotlib"}
