"""Interleaved rounds: shuffled, reproducible orders, placements in memory, and when to stop."""

from __future__ import annotations

import time
import weakref
from functools import partial
from itertools import pairwise

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from runners.measure.timing import latency
from runners.measure.timing.latency import (
    BLOCK,
    interleave,
    intra_op_threads,
    select_clock,
    time_cpu,
)
from runners.measure.timing.protocol import Rounds

NAMES = ("a", "b", "c")
SOME = Rounds(most=25, least=5, budget_s=1e9)


class Copy:
    """One placement of a variant; calling it takes some time."""

    def __init__(self, name, machine):
        self.name, self.machine, self.block = name, machine, machine.placed[name]
        self.probes = 0

    def __call__(self):
        self.machine.called.append(self)
        self.machine.now += self.machine.seconds
        return self


class FakeMachine:
    """A clock that returns `took_ms`, and a record of all calls in order."""

    def __init__(self, monkeypatch, names=NAMES, seconds=0.0, took_ms=lambda copy: 1.0):
        self.now, self.seconds, self.took_ms = 0.0, seconds, took_ms
        self.placed = dict.fromkeys(names, 0)
        self.called, self.turns = [], []
        self.factories = {name: lambda name=name: self.place(name) for name in names}
        monkeypatch.setattr(latency.time, "monotonic", lambda: self.now)

    def place(self, name):
        self.placed[name] += 1
        return Copy(name, self)

    def clock(self, call):
        """The first two calls of a copy measure how long it takes, the others are turns."""
        copy = call()
        if copy.probes < 2:
            copy.probes += 1
        else:
            self.turns.append((copy, len(self.called) - 1))
        return self.took_ms(copy)

    def run(self, rounds, seed=0):
        return interleave(self.factories, self.clock, rounds, seed)


def blocks_of(total):
    return [BLOCK] * (total // BLOCK) + [total % BLOCK] * (total % BLOCK > 0)


def test_each_round_times_every_variant_once(monkeypatch):
    machine = FakeMachine(monkeypatch)
    samples = machine.run(SOME)
    order = [copy.name for copy, _ in machine.turns]
    rounds = [order[start : start + 3] for start in range(0, len(order), 3)]
    assert len(rounds) == 25 and all(sorted(names) == list(NAMES) for names in rounds)
    assert {name: len(times) for name, times in samples.ms.items()} == dict.fromkeys(NAMES, 25)
    assert list(samples.ms) == list(NAMES)
    assert (samples.blocks, samples.stopped) == ([10, 10, 5], "25 rounds")


def test_samples_belong_to_their_round_and_variant(monkeypatch):
    machine = FakeMachine(monkeypatch, took_ms=lambda copy: float(len(machine.called)))
    samples = machine.run(SOME)
    for name in NAMES:
        expected = [index + 1.0 for copy, index in machine.turns if copy.name == name]
        assert samples.ms[name] == expected


@pytest.mark.parametrize(("ms", "warm"), [(0.001, 10), (0.5, 4), (0.9, 3), (3.0, 1), (25.1, 0)])
def test_untimed_calls_fill_the_caches(monkeypatch, ms, warm):
    """About 2 ms of calls, at most ten; none if a single call takes long."""
    machine = FakeMachine(
        monkeypatch, names=("x", "y"), took_ms=lambda copy: ms if copy.name == "x" else 1e3
    )
    machine.run(Rounds(most=4, least=1, budget_s=1e9))
    before = 0
    for copy, index in machine.turns:
        start = index - (warm if copy.name == "x" else 0)
        assert machine.called[start : index + 1] == [copy] * (index + 1 - start)
        assert before == 0 or start == before + 1  # and no other call
        before = index
    assert before == len(machine.called) - 1


def test_every_block_has_copies_of_its_own(monkeypatch):
    machine = FakeMachine(monkeypatch)
    samples = machine.run(SOME)
    assert machine.placed == dict.fromkeys(NAMES, 3) and len(samples.blocks) == 3
    for number, (copy, _) in enumerate(machine.turns):
        assert copy.block == 1 + number // (3 * BLOCK)


def test_old_copies_are_freed_after_new_ones_exist():
    alive, counts = weakref.WeakSet(), []

    class Weights:
        def __call__(self):
            pass

    def place():
        counts.append(len(alive))
        weights = Weights()
        alive.add(weights)
        return weights

    interleave(dict.fromkeys(NAMES, place), lambda call: call() or 1.0, SOME)
    assert counts == [0, 1, 2, 3, 4, 5, 3, 4, 5]


def test_order_is_shuffled_and_reproducible(monkeypatch):
    def order(seed):
        machine = FakeMachine(monkeypatch)
        machine.run(Rounds(60, 1, 1e9), seed)
        return [copy.name for copy, _ in machine.turns], [copy.name for copy in machine.called]

    assert order(0) == order(0) != order(1)
    names, _ = order(0)
    rounds = [tuple(names[start : start + 3]) for start in range(0, len(names), 3)]
    assert len(set(rounds)) == 6  # every order of three occurs
    firsts = [first for first, *_ in rounds]
    assert all(firsts.count(name) >= 8 for name in NAMES)


@pytest.mark.parametrize(
    ("rounds", "expected", "stopped"),
    [
        (Rounds(most=100, least=10, budget_s=1.0), 10, "1 s"),  # slow: the least
        (Rounds(most=100, least=10, budget_s=1e9), 100, "100 rounds"),  # quick: the most
        (Rounds(most=100, least=1, budget_s=29.9), 5, "29.9 s"),  # in between
        (Rounds(most=100, least=1, budget_s=89.9), 15, "89.9 s"),  # and in another block
        (Rounds(most=3, least=10, budget_s=0.0), 3, "3 rounds"),  # most wins over least
        (Rounds(most=1, least=1, budget_s=0.0), 1, "1 round"),
    ],
)
def test_least_most_and_budget(monkeypatch, rounds, expected, stopped):
    # A second a call; each turn is one call before the timed one and that: 6 s a round.
    samples = FakeMachine(monkeypatch, seconds=1.0, took_ms=lambda copy: 2.0).run(rounds)
    assert {len(times) for times in samples.ms.values()} == {expected}
    assert (samples.blocks, samples.stopped) == (blocks_of(expected), stopped)


def test_only_rounds_count_against_the_budget(monkeypatch):
    """Making copies and measuring how long a call takes may be slow."""
    machine = FakeMachine(monkeypatch, took_ms=lambda copy: 100.0)
    place = machine.place

    def slow(name):
        machine.now += 1000.0
        return place(name)

    monkeypatch.setattr(machine, "place", slow)
    samples = machine.run(Rounds(most=35, least=1, budget_s=1.0))
    assert samples.stopped == "35 rounds"


@settings(max_examples=30)
@given(most=st.integers(1, 45), least=st.integers(0, 45), budget=st.floats(0, 200))
def test_rounds_stay_within_their_limits(most, least, budget):
    with pytest.MonkeyPatch.context() as monkeypatch:
        machine = FakeMachine(monkeypatch, seconds=1.0, took_ms=lambda copy: 50.0)
        samples = machine.run(Rounds(most, least, budget))
    done = len(samples.ms["a"])
    assert min(most, max(1, least)) <= done <= most
    assert samples.blocks == blocks_of(done)
    if "round" in samples.stopped:
        assert done == most
    else:
        assert done >= least and 3 * (done - 1) <= max(budget, 3 * (least - 1))


@pytest.mark.parametrize("names", [("a",), NAMES])
@pytest.mark.parametrize(("share", "reached"), [(0.05, True), (0.001, False)])
def test_precision_ends_the_rounds(monkeypatch, names, share, reached):
    random = np.random.default_rng(0)
    machine = FakeMachine(monkeypatch, names, took_ms=lambda copy: 50 + random.standard_normal())
    samples = machine.run(Rounds(most=50, least=15, budget_s=1e9, precision=share))
    if reached:  # checked at the end of each block
        # Two blocks may happen to agree or not: the interval of so few is wide.
        assert samples.stopped == "precision 5 %" and samples.blocks in ([10, 10], [10] * 3)
    else:
        assert samples.stopped == "50 rounds"


def test_precision_of_a_single_variant_is_that_of_its_median(monkeypatch):
    seen = []

    def interval(values, *, blocks, resamples):
        seen.append((list(values), list(blocks)))
        return (10.0, 9.8, 10.2) if len(values) == 30 else (10.0, 9.0, 11.0)

    monkeypatch.setattr(latency, "median_interval", interval)
    rounds = Rounds(most=90, least=20, budget_s=1e9, precision=0.03)
    samples = FakeMachine(monkeypatch, ("a",)).run(rounds)
    assert samples.stopped == "precision 3 %"
    assert [blocks for _, blocks in seen] == [[10, 10], [10, 10, 10]]
    assert seen[-1][0] == samples.ms["a"]


def test_precision_requires_every_ratio_to_the_first_variant(monkeypatch):
    seen = []

    def interval(values, first, *, blocks, resamples):
        seen.append((values[0], first[0]))
        wide = 1.0 if values[0] == 3.0 and len(values) < 20 else 0.1
        return 10.0, 10.0 - wide, 10.0 + wide

    monkeypatch.setattr(latency, "ratio_interval", interval)
    level = {"a": 1.0, "b": 2.0, "c": 3.0}
    machine = FakeMachine(monkeypatch, took_ms=lambda copy: level[copy.name])
    assert machine.run(Rounds(90, 5, 1e9, precision=0.01)).blocks == [10, 10]
    assert seen == [(2.0, 1.0), (3.0, 1.0)] * 2


def test_errors_of_a_variant_propagate():
    def broken():
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        interleave({"a": lambda: broken}, time_cpu, Rounds(1, 1, 1.0))
    with pytest.raises(RuntimeError, match="no"):
        interleave({"a": broken}, time_cpu, Rounds(1, 1, 1.0))


def test_threads_are_restored_after_an_error():
    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError), intra_op_threads(before + 1):
        assert torch.get_num_threads() == before + 1
        raise ZeroDivisionError
    assert torch.get_num_threads() == before


def test_times_are_milliseconds():
    clock = select_clock(torch.device("cpu"))
    samples = interleave({"a": lambda: lambda: time.sleep(0.02)}, clock, Rounds(3, 3, 9.0))
    assert all(20 <= ms < 2000 for ms in samples.ms["a"])
    assert samples.blocks == [3] and samples.stopped == "3 rounds"


def test_placements_move_the_weights():
    addresses = {name: [] for name in NAMES}

    def place(name):
        weight = torch.zeros(1000)
        addresses[name].append(weight.data_ptr())
        return weight.sum

    factories = {name: partial(place, name) for name in NAMES}
    interleave(factories, time_cpu, Rounds(4 * BLOCK, 1, 1e9))
    for blocks in addresses.values():
        assert len(blocks) == 4 and all(one != other for one, other in pairwise(blocks))


def test_gaps_of_random_size_lie_between_the_copies(monkeypatch):
    """Without them copies would only swap the same few addresses."""
    empty, gaps, sizes, events, alive = torch.empty, weakref.WeakSet(), [], [], set()

    def allocate(size):
        gap = empty(size)
        gaps.add(gap)
        sizes.append(size)
        events.append("gap")
        return gap

    def place(name):
        events.append(name)
        return lambda: alive.add(len(gaps))

    monkeypatch.setattr(latency.torch, "empty", allocate)
    factories = {name: partial(place, name) for name in NAMES}
    interleave(factories, time_cpu, Rounds(4 * BLOCK, 1, 1e9))
    assert events[::2] == ["gap"] * 4 * len(NAMES)
    assert sorted(events[1::2]) == sorted(NAMES * 4)
    assert alive == {len(NAMES)}  # as long as the copies, and no longer
    assert len(set(sizes)) == len(sizes) and max(sizes) > 2 * min(sizes)
