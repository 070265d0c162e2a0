"""Candidates of a search, measured and trained on images of sixteen pixels."""

from __future__ import annotations

from dataclasses import replace

import pytest

from runners.evaluate import evaluate as run_evaluation
from runners.evaluate import run_here
from runners.evaluators.prepare import prepare
from runners.records.record import State
from runners.search.config import parse_sweep
from runners.search.history import Candidate
from runners.search.limits import Limits
from search_space.constraint import parse_constraint
from tests.bench_runs import draw_images


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    return draw_images(tmp_path_factory.mktemp("images") / "images")


@pytest.fixture
def prepared(images, tmp_path):
    told = {
        "space": {
            "base": {"variant": "lolvit_nano"},
            "dimensions": {"width": [0.2, 0.25], "blocks.4": [0, 1]},
        },
        "objectives": {
            "val_accuracy": "maximize",
            "latency_ms": "minimize",
            "peak_memory_bytes": "minimize",
        },
        "trials": 2,
        "training": {"dataset": f"folder:{images}", "resolution": 16, "epochs": 3, "batch_size": 8},
        "latency": {"rounds": 4},
    }
    return prepare(parse_sweep(told), tmp_path / "checkpoints")


@pytest.fixture
def candidate(prepared):
    return Candidate(7, prepared.space.architecture(prepared.space.default), 0)


def evaluate(prepared, candidate, should_continue=lambda record: True, **changes):
    steps = []
    evaluator = replace(prepared.evaluator, **changes)
    record = run_evaluation(
        candidate.spec, evaluator, lambda *step: steps.append(step), should_continue, run_here
    )
    return record, steps


def test_a_record_has_all_requested_costs(prepared, candidate):
    record, steps = evaluate(prepared, candidate)
    assert record.state is State.FINISHED and record.name == "trial 7"
    assert record.architecture["resolution"] == 16 and record.architecture["num_classes"] == 3
    costs = record.costs
    assert len(costs.latency_ms_samples) == 4 and costs.latency_ms_median > 0
    assert 0.3 < costs.latency_ratio < 3 and costs.peak_memory_bytes > 0
    assert record.quality.epochs == 3 and record.quality.test_accuracy is not None
    assert steps and record.provenance.recipe["epochs"] == 3


def test_a_training_goes_on_from_its_checkpoint(prepared, candidate):
    whole, _ = evaluate(prepared, candidate)
    prepared.evaluator.remove_files(candidate.spec)
    asked = []

    def interrupted(record):
        asked.append(record)
        if record.quality.epochs == 2:
            raise KeyboardInterrupt
        return True

    with pytest.raises(KeyboardInterrupt):
        evaluate(prepared, candidate, interrupted)
    assert [record.quality.epochs for record in asked] == [1, 2]
    (file,) = prepared.evaluator.files(candidate.spec)
    assert file.exists()
    resumed, steps = evaluate(prepared, candidate)
    assert {epoch for epoch, _, _ in steps} == {3}
    assert resumed.quality.test_accuracy == whole.quality.test_accuracy
    assert [e.train_loss for e in resumed.quality.curve] == [
        e.train_loss for e in whole.quality.curve
    ]
    prepared.evaluator.remove_files(candidate.spec)
    assert not file.exists()


def test_who_is_stopped_is_not_tested(prepared, candidate):
    record, _ = evaluate(prepared, candidate, lambda record: record.quality.epochs < 2)
    assert (record.state, record.quality.epochs) == (State.PRUNED, 2)
    assert record.quality.test_accuracy is None


def test_a_limit_on_what_is_measured_comes_before_training(prepared, candidate):
    limits = Limits((parse_constraint("latency_ms <= 0.001"),))
    record, steps = evaluate(prepared, candidate, limits=limits)
    assert record.state is State.INFEASIBLE and record.quality is None and not steps
    assert record.reason.startswith("latency_ms = ")
    assert "violates latency_ms <= 0.001" in record.reason


def test_an_exception_is_a_failed_record(prepared, candidate):
    recipe = replace(prepared.evaluator.recipe, learning_rate=1e30)
    record, _ = evaluate(prepared, candidate, recipe=recipe)
    assert record.state is State.FAILED and record.reason.startswith("NonFiniteLoss: ")
    assert record.costs is not None


def test_without_fusion_blocks_nothing_is_reconstructed(prepared):
    space = prepared.space
    for values in space.grid():
        architecture = space.architecture(values)
        spec = Candidate(0, architecture, 0).spec
        assert spec.reconstructed == any(architecture.fusion_blocks)
