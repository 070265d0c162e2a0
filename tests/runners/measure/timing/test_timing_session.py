"""How a session calls its variants, and the choice of a memory format."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import nn

from runners.measure.forms.variant import DEPLOY, FormVariant, PreparedForm
from runners.measure.timing import memory_format
from runners.measure.timing.latency import Samples
from runners.measure.timing.memory_format import choose_memory_format
from runners.measure.timing.protocol import MeasurementProtocol, Rounds
from runners.measure.timing.session import TimedVariant, run_session
from tests.runners.measure.odd_targets import Odd

CPU = torch.device("cpu")
calls = []


class Spy(nn.Module):
    """Records how it is called."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(1))

    def forward(self, x):
        modes = self.training, torch.is_inference(x + 0), torch.get_num_threads()
        calls.append((x, modes, self.weight.data_ptr()))
        return x


@dataclass(frozen=True)
class SpyTarget(Odd):
    def build(self):
        return Spy().train()


@pytest.fixture(autouse=True)
def no_calls():
    calls.clear()


def run(timed_variants, *, energy=False):
    few = Rounds(12, 5, 1e9)
    protocol = MeasurementProtocol(few, latency_threads=2, throughput_threads=1)
    return run_session(timed_variants, CPU, protocol, throughput_rounds=few, energy=energy)


def test_calls_are_in_eval_and_inference_mode_with_the_requested_threads():
    before = torch.get_num_threads()
    timed_variants = {
        name: TimedVariant(FormVariant(SpyTarget(name)), PreparedForm(), batch)
        for name, batch in (("a", 3), ("b", 4))
    }
    result = run(timed_variants)
    assert torch.get_num_threads() == before and not torch.is_inference_mode_enabled()
    rehearsed, timed = calls[:4], calls[4:]
    assert [threads for _, (*_, threads), _ in rehearsed] == [2, 2, 1, 1]
    latency = [call for call in timed if call[1][2] == 2]
    throughput = timed[len(latency) :]
    assert all(threads == 1 for _, (*_, threads), _ in throughput)  # after all latencies
    assert all(modes[:2] == (False, True) for _, modes, _ in calls)
    assert {x.shape[0] for x, *_ in latency} == {1}
    assert {x.shape[0] for x, *_ in throughput} == {3, 4}
    for x, *_ in calls:
        assert x.shape[1:] == (1, 8, 8) and (x != 0).all() and 0.5 < x.std() < 1.5
    assert len({address for *_, address in latency}) == 4  # two blocks of two variants
    for samples in (result.latency, result.throughput):
        assert samples.blocks == [10, 2] and samples.stopped == "12 rounds"
        assert all(len(samples.ms[name]) == 12 and min(samples.ms[name]) > 0 for name in "ab")
    assert (result.energy_mj, result.energy_source) == ({}, "")


def test_energy_or_the_reason_why_it_is_missing():
    timed_variants = {"a": TimedVariant(FormVariant(Odd("Nothing")), PreparedForm(), 1)}
    result = run(timed_variants, energy=True)
    assert result.energy_source
    assert set(result.energy_mj) <= {"a"}


@pytest.mark.parametrize(
    ("contiguous", "last", "chosen"),
    [
        ([2.0] * 20, [1.0] * 20, True),
        ([1.0] * 20, [2.0] * 20, False),
        ([1.0] * 20, [1.0] * 20, False),  # equal: unchanged
        ([1.0, 1.2] * 10, [1.1, 1.09] * 10, False),  # not separable
    ],
)
def test_channels_last_where_it_is_faster(monkeypatch, contiguous, last, chosen):
    def interleave(factories, clock, rounds):
        for call in (make_call() for make_call in factories.values()):
            assert call() is not None
        ms = {"contiguous": contiguous, "channels-last": last}
        assert list(factories) == list(ms)
        return Samples(ms, [10, 10])

    monkeypatch.setattr(memory_format, "interleave", interleave)
    prepared = PreparedForm("2 of 2 BatchNorms folded", parity=0.5)
    chosen_form = choose_memory_format(FormVariant(Odd("Plain"), DEPLOY), prepared, CPU, 1)
    assert chosen_form.channels_last == chosen and chosen_form.parity == 0.5
    assert chosen_form.note == prepared.note + (", channels-last" if chosen else "")


def test_failing_variant_does_not_affect_the_others():
    timed_variants = {
        name: TimedVariant(FormVariant(Odd(kind)), PreparedForm(), batch=64)
        for name, kind in (("good", "Nothing"), ("bad", "SmallBatchesOnly"))
    }
    result = run(timed_variants)
    assert list(result.failed) == ["bad"] and result.failed["bad"].startswith("ZeroDivisionError: ")
    assert set(result.latency.ms) == set(result.throughput.ms) == {"good"}
