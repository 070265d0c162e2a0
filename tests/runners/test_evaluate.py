"""Architecture + budget -> record, whatever happens on the way."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from runners import evaluate as room
from runners.evaluate import evaluate, failure
from runners.records.errors import DataError
from runners.records.record import State
from runners.records.unavailable import Unavailable
from tests.runners import tiny


def test_a_finished_record():
    steps = []
    record = evaluate(tiny.arm(), 1, tiny.budget(), tiny.costs(), lambda *step: steps.append(step))
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
        [
            point.train_loss
            for point in evaluate(tiny.arm(), seed, tiny.budget(), tiny.costs()).quality.curve
        ]
        for seed in (0, 0, 1)
    ]
    assert curves[0] == curves[1] != curves[2]


def test_costs_alone():
    record = evaluate(tiny.arm(), 0, tiny.budget(None), tiny.costs())
    assert record.state is State.FINISHED and record.quality is None
    assert record.provenance.recipe == {}


def test_without_costs_the_arm_failed_and_is_not_trained(monkeypatch):
    monkeypatch.setattr(room, "train", None)
    record = evaluate(tiny.arm(), 0, tiny.budget(), Unavailable("UncountedOperator: aten::x"))
    assert (record.state, record.reason) == (State.FAILED, "UncountedOperator: aten::x")
    assert record.costs is None and record.quality is None


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ValueError("first\nsecond"), "ValueError: first"),
        (MemoryError(), "MemoryError: "),
        (RuntimeError(""), "RuntimeError: "),
    ],
)
def test_failures_are_records(monkeypatch, error, reason):
    def broken(*_, **__):
        raise error

    monkeypatch.setattr(room, "train", broken)
    record = evaluate(tiny.arm(), 0, tiny.budget(), tiny.costs())
    assert (record.state, record.reason) == (State.FAILED, reason)
    assert record.costs == tiny.costs() and record.quality is None
    assert record.provenance.recipe == tiny.RECIPE.to_dict()


def test_the_datas_fault_is_no_arms_failure(monkeypatch):
    def broken(*_, **__):
        raise DataError("cannot read image x")

    monkeypatch.setattr(room, "train", broken)
    with pytest.raises(DataError, match="cannot read image x"):
        evaluate(tiny.arm(), 0, tiny.budget(), tiny.costs())


def test_ctrl_c_is_no_failure(monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(room, "train", interrupted)
    with pytest.raises(KeyboardInterrupt):
        evaluate(tiny.arm(), 0, tiny.budget(), tiny.costs())


def test_threads_are_set_for_the_training_and_come_back(monkeypatch):
    before, seen = torch.get_num_threads(), []

    def watched(*_, **__):
        seen.append(torch.get_num_threads())
        return tiny.quality()

    monkeypatch.setattr(room, "train", watched)
    evaluate(tiny.arm(), 0, replace(tiny.budget(), threads=before + 1), tiny.costs())
    assert seen == [before + 1] and torch.get_num_threads() == before


def test_a_failure_has_everything_but_a_result():
    record = failure(tiny.arm("fwa"), 4, tiny.budget(), tiny.costs(), "why")
    assert (record.seed, record.reason, record.reconstructed) == (4, "why", True)
