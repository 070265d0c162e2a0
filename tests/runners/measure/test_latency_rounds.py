"""Rounds: contenders take turns, in an order that is shuffled and yet the same for all runs."""

from __future__ import annotations

import json
import time

import numpy as np
import pytest
import torch
from torch import nn

from runners.measure import latency
from runners.measure.latency import Rounds, Timing, interleave, intra_op_threads, time_networks

NAMES = ("a", "b", "c")


class Recorder:
    """A clock without time: each call gives the next number; what was called is kept."""

    def __init__(self, monkeypatch, seconds_a_call=0.0):
        self.called, self.now, self.seconds = [], 0.0, seconds_a_call
        monkeypatch.setattr(latency.time, "monotonic", lambda: self.now)

    def __call__(self, call):
        self.called.append(call())
        self.now += self.seconds
        return float(len(self.called))


def play(monkeypatch, rounds, seconds_a_call=0.0):
    clock = Recorder(monkeypatch, seconds_a_call)
    calls = {name: (lambda name=name: name) for name in NAMES}
    return interleave(calls, clock, rounds), clock


def rounds_of(called):
    turns = [called[start : start + 3] for start in range(0, len(called), 3)]
    return turns[: latency.WARMUP_ROUNDS], turns[latency.WARMUP_ROUNDS :]


def test_each_round_calls_everyone_once_after_the_warm_up(monkeypatch):
    samples, clock = play(monkeypatch, Rounds(most=40, least=5, budget_s=1e9))
    warm, timed = rounds_of(clock.called)
    assert len(warm) == latency.WARMUP_ROUNDS >= 1 and len(timed) == 40
    assert all(sorted(turn) == list(NAMES) for turn in warm + timed)
    assert {name: len(found) for name, found in samples.items()} == dict.fromkeys(NAMES, 40)


def test_samples_belong_to_their_round_and_contender(monkeypatch):
    samples, clock = play(monkeypatch, Rounds(most=20, least=1, budget_s=1e9))
    for name in NAMES:
        asked = [number + 1.0 for number, called in enumerate(clock.called) if called == name]
        assert samples[name] == asked[latency.WARMUP_ROUNDS :]
        assert list(samples) == list(NAMES)


def test_the_order_is_shuffled_and_repeats(monkeypatch):
    orders = [play(monkeypatch, Rounds(60, 1, 1e9))[1].called for _ in range(2)]
    assert orders[0] == orders[1]
    _, timed = rounds_of(orders[0])
    assert len({tuple(turn) for turn in timed}) == 6  # every order of three occurs
    firsts = [turn[0] for turn in timed]
    assert all(firsts.count(name) >= 8 for name in NAMES)


@pytest.mark.parametrize(
    ("rounds", "seconds", "expected"),
    [
        (Rounds(most=100, least=10, budget_s=1.0), 1.0, 10),  # slow: the least
        (Rounds(most=100, least=10, budget_s=1e9), 1.0, 100),  # quick: the most
        (Rounds(most=100, least=1, budget_s=29.9), 1.0, 10),  # in between: until the budget ends
        (Rounds(most=3, least=10, budget_s=0.0), 1.0, 3),  # most wins over least
    ],
)
def test_least_most_and_budget(monkeypatch, rounds, seconds, expected):
    samples, _ = play(monkeypatch, rounds, seconds)
    assert {len(found) for found in samples.values()} == {expected}


def test_warm_up_is_not_charged_to_the_budget(monkeypatch):
    samples, _ = play(monkeypatch, Rounds(most=9, least=1, budget_s=2.5), 1.0)
    assert {len(found) for found in samples.values()} == {1}


def test_an_error_of_a_contender_goes_through(monkeypatch):
    def broken():
        raise RuntimeError("no")

    with pytest.raises(RuntimeError, match="no"):
        interleave({"a": broken}, lambda call: call(), Rounds(1, 1, 1.0))


def test_statistics():
    timing = Timing([4.0, 1.0, 2.0, 3.0, 10.0], batch=1, threads=1)
    assert (timing.median_ms, timing.min_ms, timing.iqr_ms) == (3.0, 1.0, 2.0)
    values = np.random.default_rng(0).random(101).tolist()
    timing = Timing(values, 1, 1)
    assert timing.median_ms == sorted(values)[50] and timing.min_ms == min(values)
    json.dumps([timing.median_ms, timing.min_ms, timing.iqr_ms])


class Spy(nn.Module):
    """Sees how it is called."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def forward(self, x):
        self.seen.append((x, self.training, torch.get_num_threads(), torch.is_inference(x + 0)))
        return x


def test_networks_are_timed_in_eval_and_inference_mode_on_random_images_with_the_threads_asked():
    before = torch.get_num_threads()
    spies = {"a": Spy().train(), "b": Spy().train()}
    found = time_networks(spies, (1, 4, 4), 3, torch.device("cpu"), 2, Rounds(5, 5, 10.0))
    assert torch.get_num_threads() == before
    seen = [call for spy in spies.values() for call in spy.seen]
    assert len(seen) == 2 * (latency.WARMUP_ROUNDS + 5)
    for x, training, threads, inference in seen:
        assert x.shape == (3, 1, 4, 4) and torch.equal(x, seen[0][0])
        assert not training and threads == 2 and inference
    assert (seen[0][0] != 0).all() and seen[0][0].std() > 0.5
    assert all((t.batch, t.threads, len(t.samples_ms)) == (3, 2, 5) for t in found.values())
    assert all(sample > 0 for t in found.values() for sample in t.samples_ms)


def test_threads_come_back_after_an_error():
    before = torch.get_num_threads()
    with pytest.raises(ZeroDivisionError), intra_op_threads(before + 1):
        assert torch.get_num_threads() == before + 1
        raise ZeroDivisionError
    assert torch.get_num_threads() == before

    class Broken(nn.Module):
        def forward(self, x):
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        time_networks({"a": Broken()}, (1, 4, 4), 1, torch.device("cpu"), 3, Rounds(1, 1, 1.0))
    assert torch.get_num_threads() == before
    assert not torch.is_inference_mode_enabled()


def test_times_are_milliseconds():
    class Sleep(nn.Module):
        def forward(self, x):
            time.sleep(0.02)

    found = time_networks({"a": Sleep()}, (1, 2, 2), 1, torch.device("cpu"), 1, Rounds(3, 3, 9.0))
    assert 20 <= found["a"].min_ms < 200
