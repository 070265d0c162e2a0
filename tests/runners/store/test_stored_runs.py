"""Runs stored by version 0.1 are reported and resumed, or refused by one line."""

from __future__ import annotations

import gzip
import shutil
from pathlib import Path

import pytest

from runners.store.study import read_records
from tests.bench_runs import bench_in_process, one_line

STORED = Path(__file__).parent / "version_0_1"
OPTIONS = ("fwa", "linear", "--batch", "4", "--rounds", "10", "--quiet", "--out", "run")


@pytest.fixture
def comparison(tmp_path):
    """compare fwa linear --epochs 1 --batch 4 --rounds 10, both arms finished."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "study.db").write_bytes(gzip.decompress((STORED / "compare.db.gz").read_bytes()))
    return tmp_path


@pytest.fixture
def sweep(tmp_path):
    """Four results; two trials that were interrupted before."""
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "study.db").write_bytes(gzip.decompress((STORED / "sweep.db.gz").read_bytes()))
    shutil.copy(STORED / "sweep.json", folder)
    shutil.copy(STORED / "sweep.yaml", tmp_path)
    return tmp_path


def test_a_comparison_is_reported(comparison):
    records = read_records(comparison / "run" / "study.db")
    assert [(record.name, record.quality.test_accuracy) for record in records] == [
        ("fwa", 0.676),
        ("linear", 0.7365),
    ]
    done = bench_in_process(comparison, "report", "run")
    assert done.returncode == 0 and "67.6" in done.stdout and "linear" in done.stdout


def test_a_comparison_is_resumed(comparison):
    before = read_records(comparison / "run" / "study.db")
    arguments = [option for option in OPTIONS if option != "--quiet"]
    done = bench_in_process(comparison, "compare", *arguments, "--epochs", "1", "--resume")
    assert done.returncode == 0 and "did not store the options" in done.stderr
    assert read_records(comparison / "run" / "study.db") == before


def test_a_comparison_with_another_recipe_is_refused(comparison):
    done = bench_in_process(comparison, "compare", *OPTIONS, "--epochs", "2", "--resume")
    assert done.returncode == 2
    one_line(done.stderr, "started with a different recipe.epochs;", "may change --seeds")


def test_a_sweep_is_resumed_and_published(sweep):
    done = bench_in_process(sweep, "sweep", "sweep.yaml", "--out", "run", "--resume", "--quiet")
    assert done.returncode == 0, done.stderr
    assert "of 2 finished trials" in done.stdout
    trials = (sweep / "run" / "trials.csv").read_text().splitlines()
    assert len(trials) == 1 + 4
