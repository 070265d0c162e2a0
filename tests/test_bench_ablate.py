"""`bench.py ablate`: paired seeds, one table, more seeds later."""

from __future__ import annotations

import json

import pytest

from runners.store.study import read_records
from tests.bench_runs import FILES, QUICK, bench_in_process, draw_images, one_line

CONFIG = """
base: {variant: lolvit_nano, mixer: fwa, width: 0.1}
factors:
  fwa.window: [2]
  recipe.learning_rate: [0.003]
training: {dataset: "folder:images", resolution: 16, epochs: 1}
"""
NAMES = ["base", "fwa.window=2", "recipe.learning_rate=0.003"]


@pytest.fixture(scope="module")
def workdir(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ablate")
    draw_images(folder / "images")
    (folder / "ablation.yaml").write_text(CONFIG)
    done = bench_in_process(
        folder, "ablate", "ablation.yaml", "--seeds", "2", "--out", "run", "--quiet", *QUICK
    )
    assert done.returncode == 0, done.stderr
    (folder / "printed.txt").write_text(done.stdout)
    return folder


def test_every_arm_is_trained_with_every_seed(workdir):
    records = read_records(workdir / "run/study.db")
    assert sorted((r.name, r.seed) for r in records) == [(n, s) for n in NAMES for s in (0, 1)]
    assert {path.name for path in (workdir / "run").iterdir()} >= FILES
    rates = {r.name: r.provenance.recipe["learning_rate"] for r in records}
    assert rates[NAMES[2]] == 0.003 and rates["base"] == rates[NAMES[1]] != 0.003


def test_the_verdicts_are_in_the_table(workdir):
    text = (workdir / "printed.txt").read_text()
    assert "Δ" in text and "paired over 2 seeds" in " ".join(text.split())
    assert "after Holm's correction for 2 comparisons" in " ".join(text.split())


def test_seeds_can_be_added(workdir):
    done = bench_in_process(
        workdir, "ablate", "ablation.yaml", *("--seeds", "3", "--out", "run", "--resume"), "--json",
        "--quiet", *QUICK,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert len(json.loads(done.stdout)) == 9


def test_another_file_is_refused(workdir):
    (workdir / "other.yaml").write_text(CONFIG.replace("[2]", "[4]"))
    before = {path: path.stat().st_mtime_ns for path in (workdir / "run").iterdir()}
    done = bench_in_process(workdir, "ablate", "other.yaml", "--out", "run", "--resume", *QUICK)
    assert done.returncode == 2
    one_line(done.stderr, "arms")
    assert before == {path: path.stat().st_mtime_ns for path in (workdir / "run").iterdir()}


def test_a_mistake_leaves_nothing_behind(workdir):
    (workdir / "bad.yaml").write_text(CONFIG.replace("fwa.window", "fwa.windw"))
    done = bench_in_process(workdir, "ablate", "bad.yaml", "--out", "bad")
    assert done.returncode == 2
    one_line(done.stderr, "bad.yaml: ")
    assert not (workdir / "bad").exists()
