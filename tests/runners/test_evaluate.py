"""Architecture + budget -> record, whatever happens on the way."""

from __future__ import annotations

import ast
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch

from runners.evaluators.trained import TrialCosts
from runners.records.errors import DataError
from runners.records.record import State, TrainingResult
from runners.records.unavailable import Unavailable
from tests.runners import tiny

ROOT = Path(__file__).parents[2]


@pytest.fixture
def train_with(monkeypatch):
    """Replace the training by a function."""

    def replace_training(function):
        monkeypatch.setattr("runners.training.training_run.train", function)

    return replace_training


def raising(error):
    def train(*_, **__):
        raise error

    return train


def test_a_finished_record():
    steps = []
    record = tiny.run(tiny.spec(seed=1), on_step=lambda *step: steps.append(step))
    assert (record.name, record.seed, record.state, record.reason) == (
        "none",
        1,
        State.FINISHED,
        "",
    )
    assert record.costs == tiny.costs() and record.quality.epochs == 1
    assert record.architecture == tiny.architecture().to_dict()
    assert record.architecture_hash == tiny.architecture().hash
    origin = record.provenance
    assert (origin.dataset, origin.dataset_note) == ("tiny", "brightness as a class")
    assert (origin.dataset_checksum, origin.resolution) == ("ab" * 32, 16)
    assert origin.recipe == tiny.RECIPE.to_dict()
    assert origin.fingerprint["train_threads"] == 1
    assert [step[1:] for step in steps] == [(8, 24), (16, 24), (24, 24)]


def test_the_seed_decides_weights_and_order():
    curves = [
        [point.train_loss for point in tiny.run(tiny.spec(seed=seed)).quality.curve]
        for seed in (0, 0, 1)
    ]
    assert curves[0] == curves[1] != curves[2]


def test_costs_only():
    record = tiny.run(evaluator_=tiny.evaluator(None))
    assert record.state is State.FINISHED and record.quality is None
    assert record.costs == tiny.costs() and record.provenance.recipe == {}


def test_unavailable_costs_are_a_failure_and_nothing_is_trained(train_with):
    train_with(raising(AssertionError("trained")))
    record = tiny.run(evaluator_=tiny.evaluator(costs_=Unavailable("UncountedOperator: aten::x")))
    assert (record.state, record.reason) == (State.FAILED, "UncountedOperator: aten::x")
    assert record.costs is None and record.quality is None


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("first\nsecond"), "ValueError: first"),
        (MemoryError(), "MemoryError"),
        (RuntimeError(""), "RuntimeError"),
    ],
)
def test_errors_of_a_training_are_failed_records(train_with, error, reason):
    train_with(raising(error))
    record = tiny.run()
    assert (record.state, record.reason) == (State.FAILED, reason)
    assert record.costs == tiny.costs() and record.quality is None
    assert record.provenance.recipe == tiny.RECIPE.to_dict()


@dataclass(frozen=True)
class Raising(TrialCosts):
    """Costs whose measurement raises."""

    reference: Any = None
    timing: Any = None
    memory: bool = False
    device: str = "cpu"
    error: Any = None

    def measure(self, spec, run_timing):
        raise self.error


def test_errors_of_a_measurement_are_failed_records():
    evaluator = replace(tiny.evaluator(), costs=Raising(error=LookupError("no such operator")))
    record = tiny.run(evaluator_=evaluator)
    assert (record.state, record.reason) == (State.FAILED, "LookupError: no such operator")
    assert record.costs is None
    with pytest.raises(DataError):
        tiny.run(evaluator_=replace(evaluator, costs=Raising(error=DataError("x"))))


def test_an_error_of_the_data_is_not_the_architectures_failure(train_with):
    train_with(raising(DataError("cannot read image x")))
    with pytest.raises(DataError, match="cannot read image x"):
        tiny.run()


def test_ctrl_c_is_not_a_failure(train_with):
    train_with(raising(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        tiny.run()


def test_a_stopped_training_is_a_pruned_record(train_with):
    def train(*_, should_continue, **__):
        assert not should_continue(tiny.quality())
        return TrainingResult(tiny.quality(), stopped=True)

    train_with(train)
    records = []
    record = tiny.run(should_continue=records.append)
    assert records == [record] and record.state is State.PRUNED
    assert record.reason == "stopped after epoch 1" and record.quality == tiny.quality()


def test_threads_are_set_for_the_training_and_restored(train_with):
    before, seen = torch.get_num_threads(), []

    def train(*_, **__):
        seen.append(torch.get_num_threads())
        return TrainingResult(tiny.quality(), stopped=False)

    train_with(train)
    tiny.run(evaluator_=tiny.evaluator(threads=before + 1))
    assert seen == [before + 1] and torch.get_num_threads() == before


def test_records_are_made_in_one_place():
    """Every command gets its records from runners/evaluate.py."""
    makers = set()
    for path in [ROOT / "bench.py", *(ROOT / "runners").rglob("*.py")]:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Record":
                makers.add(str(path.relative_to(ROOT)))
    assert makers == {"runners/evaluate.py"}
