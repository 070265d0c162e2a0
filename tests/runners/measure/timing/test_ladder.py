"""The ladder of batches: where it stops, which batch is the best, and where memory ends."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from runners.measure.forms.preparation import prepare_form
from runners.measure.forms.variant import EAGER, ONNX, FormVariant, PreparedForm
from runners.measure.memory.limit import DoesNotFit
from runners.measure.targets import parse_target
from runners.measure.timing import ladder as ladders
from runners.measure.timing.ladder import Ladder, _climb, climb_ladder
from runners.measure.timing.protocol import MeasurementProtocol
from runners.processes.isolated import run_isolated
from runners.records.record import ThroughputRung
from tests.runners.measure.odd_targets import Odd

CPU = torch.device("cpu")
PLENTY, MIB = 10**12, 2**20


def plan(batch, largest, to_the_edge, memory_bytes):
    return MeasurementProtocol(
        throughput_threads=1,
        batch=batch,
        largest_batch=largest,
        to_the_edge=to_the_edge,
        memory_bytes=memory_bytes,
    )


class Machine:
    """Memory for so many images; how many a second at each batch."""

    def __init__(self, fits, rate):
        self.fits, self.rate, self.asked = fits, rate, []

    def __call__(self, batch):
        self.asked.append(batch)
        return float(self.rate(batch)) if batch <= self.fits else None

    def climb(self, batch=None, largest=256, to_the_edge=False):
        return _climb(self, plan(batch, largest, to_the_edge, PLENTY))


def batches(ladder):
    return [rung.batch for rung in ladder.rungs]


RATES = st.sampled_from(
    [
        lambda batch: batch * 1e3,  # ever better
        lambda batch: 1e3,
        lambda batch: min(batch, 40) * 1e3,
        lambda batch: 1e3 / batch,  # ever worse
        lambda batch: 1e-3,  # a quarter of an hour an image
        lambda batch: 1000 + 500 * (batch % 7),
    ]
)


@given(fits=st.integers(1, 10**6), rate=RATES, largest=st.integers(1, 512))
def test_the_edge(fits, rate, largest):
    machine = Machine(fits, rate)
    ladder = machine.climb(largest=largest, to_the_edge=True)
    fails = ladder.out_of_memory_batch
    assert ladder.largest_batch <= fits < fails
    assert fails - ladder.largest_batch <= max(1, ladder.largest_batch / 16)
    assert ladder.largest_batch == batches(ladder)[-1]
    assert len(machine.asked) <= 2 + 20 + 5  # doublings, then halvings of the gap


@given(fits=st.integers(1, 600), rate=RATES, largest=st.integers(1, 512), edge=st.booleans())
def test_any_climb(fits, rate, largest, edge):
    machine = Machine(fits, rate)
    ladder = machine.climb(largest=largest, to_the_edge=edge)
    assert batches(ladder) == [batch for batch in machine.asked if batch <= fits]
    assert batches(ladder) == sorted(set(batches(ladder)))
    assert len(set(machine.asked)) == len(machine.asked)  # nothing is tried twice
    assert all(rung.images_per_s == rate(rung.batch) for rung in ladder.rungs)
    assert ladder.largest_batch == batches(ladder)[-1]
    assert edge or ladder.largest_batch <= largest
    failed = [batch for batch in machine.asked if batch > fits]
    assert ladder.out_of_memory_batch == (min(failed) if failed else None)


@given(st.lists(st.floats(1e-3, 1e6), min_size=1, max_size=12))
def test_the_best_is_the_smallest_that_is_as_good_as_the_fastest(rates):
    rungs = [ThroughputRung(batch=2**n, images_per_s=rate) for n, rate in enumerate(rates)]
    best = Ladder(rungs, rungs[-1].batch, None).best
    assert best.images_per_s * 1.03 >= max(rates)
    assert all(rung.images_per_s * 1.03 < max(rates) for rung in rungs if rung.batch < best.batch)


@pytest.mark.parametrize(
    ("rate", "last", "best"),
    [
        (lambda batch: 1e4, 16, 1),  # no gain at all: busy cores get a chance until 16
        (lambda batch: 1e4 * min(batch, 16), 64, 16),  # two rungs without gain
        (lambda batch: 1e4 * min(batch, 20), 128, 32),
        (lambda batch: 1e4 * 1.02 ** batch.bit_length(), 16, 8),  # 2 % a rung are none
        (lambda batch: 1e4 * 1.1 ** batch.bit_length(), 256, 256),
        (lambda batch: 1e4 if batch != 8 else 1e3, 16, 1),
        (lambda batch: 10.0 * (1 if batch < 8 else 2), 32, 8),  # 1.6 s a pass: the last one
        (lambda batch: 0.5, 1, 1),
    ],
)
def test_where_it_stops(monkeypatch, rate, last, best):
    monkeypatch.setattr(ladders, "_FIRST_BATCH_TO_STOP_AT", 16)
    ladder = Machine(PLENTY, rate).climb()
    assert (ladder.largest_batch, ladder.best.batch) == (last, best)
    assert batches(ladder) == [2**n for n in range(last.bit_length())]
    assert ladder.out_of_memory_batch is None


@pytest.mark.parametrize(("largest", "last"), [(1, 1), (2, 2), (3, 2), (100, 64), (512, 512)])
def test_the_last_rung(largest, last):
    ladder = Machine(PLENTY, lambda batch: 1e4 * batch).climb(largest=largest)
    assert ladder.largest_batch == ladder.best.batch == last


@pytest.mark.parametrize("edge", [False, True])
@pytest.mark.parametrize("batch", [1, 5, 1000])
def test_one_batch_alone(batch, edge):
    machine = Machine(1000, lambda batch: 1e-3)
    ladder = machine.climb(batch=batch, largest=2, to_the_edge=edge)
    assert machine.asked == batches(ladder) == [batch]
    assert (ladder.best.batch, ladder.out_of_memory_batch) == (batch, None)
    with pytest.raises(DoesNotFit, match="batch of 1001 "):
        machine.climb(batch=1001, to_the_edge=edge)


def test_not_even_one():
    with pytest.raises(DoesNotFit, match="batch of 1 "):
        Machine(0, lambda batch: 1.0).climb()


def test_other_errors_go_through():
    def rate(batch):
        raise ZeroDivisionError if batch > 4 else LookupError

    with pytest.raises(LookupError):
        Machine(PLENTY, rate).climb()


def real(target, protocol, form=EAGER, prepared=PreparedForm()):  # noqa: B008  (frozen)
    return run_isolated(200, climb_ladder, FormVariant(target, form), prepared, CPU, protocol)


@pytest.mark.parametrize("form", [EAGER, ONNX])
def test_memory_ends(tmp_path, form):
    """16 MiB an image in 200 MiB: 12 at most."""
    target, prepared = Odd("Greedy"), PreparedForm()
    if form == ONNX:
        file = tmp_path / "network.onnx"
        prepared = run_isolated(100, prepare_form, FormVariant(target, form), CPU, 1, file, 2)
    ladder = real(target, plan(None, 4, True, 200 * MIB), form, prepared)
    assert 2 <= ladder.largest_batch <= 12
    assert ladder.out_of_memory_batch == ladder.largest_batch + 1
    assert all(rung.images_per_s > 0 for rung in ladder.rungs)
    with pytest.raises(DoesNotFit):
        real(target, plan(13, 4, True, 200 * MIB), form, prepared)


def test_a_real_climb_without_an_edge():
    ladder = real(parse_target("linear@8x8x16"), plan(None, 4, False, 10**9))
    assert batches(ladder) == [1, 2, 4] and ladder.out_of_memory_batch is None


@pytest.mark.parametrize("batch", [10**9, 10**12, 10**18])
@pytest.mark.parametrize("text", ["linear@8x8x16", "lolvit_nano@16x16x1"])
def test_absurd_batches(text, batch):
    with pytest.raises(DoesNotFit, match=f"batch of {batch}"):
        real(parse_target(text), plan(batch, 256, False, 10**9))
