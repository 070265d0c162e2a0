"""`compare --resume`: everything that decides a result is held against the plan of the run."""

from __future__ import annotations

import shutil

import pytest

from runners.store.study import read_records
from tests.bench_runs import TINY, bench_in_process, draw_images, one_line, tree

RUN = ("compare", "none", *TINY, "--out", "run", "--quiet")


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A finished run of one arm, and its images."""
    folder = tmp_path_factory.mktemp("resume")
    draw_images(folder / "images")
    done = bench_in_process(folder, *RUN)
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def copy(stored, tmp_path):
    return shutil.copytree(stored, tmp_path / "copy")


@pytest.mark.parametrize(
    ("change", "name"),
    [
        (["--rounds", "12"], "protocol.latency.most"),
        (["--precision", "5%"], "protocol.latency.precision"),
        (["--processes", "2"], "protocol.processes"),
        (["--batch", "2"], "protocol.batch"),
        (["--largest-batch", "8"], "protocol.largest_batch"),
        (["--time-budget", "3"], "protocol.latency.budget_s"),
        (["--memory-gb", "3"], "protocol.memory_bytes"),
        (["--memory-edge"], "protocol.to_the_edge"),
        (["--allow-uncounted"], "protocol.allow_uncounted"),
        (["--threads", "2"], "threads"),
        (["--epochs", "2"], "recipe.epochs"),
        (["--batch-size", "4"], "recipe.batch_size"),
        (["--learning-rate", "0.5"], "recipe.learning_rate"),
        (["--amp"], "recipe.amp"),
        (["--resolution", "20"], "arms.none"),
        (["--variant", "lolvit_xxs"], "arms.none"),
        (["--repeat", "none"], "arms.none (repeat)"),
        (["--cost-only"], "recipe"),
        (["--dataset", "fashion-mnist-mini"], "dataset"),
    ],
)
def test_another_option_is_refused_by_its_name(copy, change, name):
    before = tree(copy)
    done = bench_in_process(copy, *RUN, *change, "--resume")
    assert done.returncode == 2, done.stderr
    one_line(done.stderr, "was started with a different", name, "may change --seeds")
    changed = {path for path, stat in tree(copy).items() if before.get(path) != stat}
    assert changed <= {"run/.lock"}


def test_seeds_and_output_options_may_change(copy):
    (before,) = read_records(copy / "run" / "study.db")
    done = bench_in_process(copy, *RUN, "--seeds", "2", "--json", "--resume")
    assert done.returncode == 0, done.stderr
    first, second = read_records(copy / "run" / "study.db")
    assert first == before and (second.name, second.seed) == ("none", 1)


def test_one_architecture_under_two_names_is_refused_before_anything_is_written(stored):
    done = bench_in_process(stored, "compare", "fwa", "fwa:window=sqrt", *TINY, "--out", "other")
    assert done.returncode == 2 and not (stored / "other").exists()
    one_line(done.stderr, "'fwa:window=sqrt' is the same architecture as 'fwa'", "--repeat fwa")


def test_a_repetition_is_trained_as_an_arm_of_its_own(stored):
    done = bench_in_process(
        stored, "compare", "none", "--repeat", "none", *TINY, "--out", "again", "--quiet"
    )
    assert done.returncode == 0, done.stderr
    first, second = read_records(stored / "again" / "study.db")
    assert (first.name, second.name) == ("none", "none (repeat)")
    assert first.architecture_hash == second.architecture_hash
    assert first.quality.test_accuracy == second.quality.test_accuracy
