"""How variants are called while they are timed, and in which memory format."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import nn

from runners.measure.forms import layout
from runners.measure.forms.layout import with_layout
from runners.measure.forms.variant import DEPLOY, FormVariant, PreparedForm
from runners.measure.timing.latency import Rounds, Samples
from runners.measure.timing.session import SessionPlan, TimedVariant, run_session
from tests.runners.measure.odd_targets import Odd

CPU = torch.device("cpu")
seen = []


class Spy(nn.Module):
    """Sees how it is called."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x):
        modes = self.training, torch.is_inference(x + 0), torch.get_num_threads()
        seen.append((x, modes, self.weight.data_ptr()))
        return x


@dataclass(frozen=True)
class SpyTarget(Odd):
    def build(self):
        return Spy().train()


@pytest.fixture(autouse=True)
def nothing_seen():
    seen.clear()


def plan(**changes):
    few = Rounds(12, 5, 1e9)
    return SessionPlan(**{"latency": few, "throughput": few, "latency_threads": 2} | changes)


def test_eval_and_inference_mode_on_random_images_with_the_threads_asked():
    before = torch.get_num_threads()
    timed_variants = {
        name: TimedVariant(FormVariant(SpyTarget(name)), PreparedForm(), batch)
        for name, batch in (("a", 3), ("b", 4))
    }
    found = run_session(timed_variants, CPU, plan(throughput_threads=1, energy=False, seed=0))
    assert torch.get_num_threads() == before and not torch.is_inference_mode_enabled()
    rehearsed, timed = seen[:4], seen[4:]
    assert [threads for _, (*_, threads), _ in rehearsed] == [2, 2, 1, 1]
    latency = [call for call in timed if call[1][2] == 2]
    throughput = timed[len(latency) :]
    assert all(threads == 1 for _, (*_, threads), _ in throughput)  # after all of the other
    assert all(modes[:2] == (False, True) for _, modes, _ in seen)
    assert {x.shape[0] for x, *_ in latency} == {1}
    assert {x.shape[0] for x, *_ in throughput} == {3, 4}
    for x, *_ in seen:
        assert x.shape[1:] == (1, 8, 8) and (x != 0).all() and 0.5 < x.std() < 1.5
    assert len({place for *_, place in latency}) == 4  # two blocks of two variants
    for samples in (found.latency, found.throughput):
        assert samples.blocks == [10, 2] and samples.stopped == "12 rounds"
        assert all(len(samples.ms[name]) == 12 and min(samples.ms[name]) > 0 for name in "ab")
    assert (found.energy_mj, found.energy_source) == ({}, "")


def test_energy_or_why_there_is_none():
    timed_variants = {"a": TimedVariant(FormVariant(Odd("Nothing")), PreparedForm(), 1)}
    found = run_session(timed_variants, CPU, plan(throughput_threads=1, energy=True, seed=0))
    assert found.energy_source
    assert set(found.energy_mj) <= {"a"}


@pytest.mark.parametrize(
    ("contiguous", "last", "taken"),
    [
        ([2.0] * 20, [1.0] * 20, True),
        ([1.0] * 20, [2.0] * 20, False),
        ([1.0] * 20, [1.0] * 20, False),  # the same: as it was
        ([1.0, 1.2] * 10, [1.1, 1.09] * 10, False),  # not separable
    ],
)
def test_channels_last_where_it_is_faster(monkeypatch, contiguous, last, taken):
    def interleave(fresh, clock, rounds):
        for call in (make() for make in fresh.values()):
            assert call() is not None
        ms = {"contiguous": contiguous, "channels-last": last}
        assert list(fresh) == list(ms)
        return Samples(ms, [10, 10])

    monkeypatch.setattr(layout, "interleave", interleave)
    prepared = PreparedForm("2 of 2 BatchNorms folded", parity=0.5)
    found = with_layout(FormVariant(Odd("Plain"), DEPLOY), prepared, CPU, 1)
    assert found.channels_last == taken and found.parity == 0.5
    assert found.note == prepared.note + (", channels-last" if taken else "")


def test_who_fails_here_leaves_the_others_alone():
    timed_variants = {
        name: TimedVariant(FormVariant(Odd(kind)), PreparedForm(), batch=64)
        for name, kind in (("good", "Nothing"), ("bad", "SmallBatchesOnly"))
    }
    found = run_session(timed_variants, CPU, plan(throughput_threads=1, energy=False, seed=0))
    assert list(found.failed) == ["bad"] and found.failed["bad"].startswith("ZeroDivisionError: ")
    assert set(found.latency.ms) == set(found.throughput.ms) == {"good"}
