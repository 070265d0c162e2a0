"""Time variants in interleaved rounds, so that drift affects all of them alike."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import ceil

import torch

from reports.statistics.ratios import median_interval, ratio_interval
from runners.measure.timing.protocol import Rounds

TimedCall = Callable[[], object]
CallFactory = Callable[[], TimedCall]
"""Makes a call in a new copy."""
Clock = Callable[[TimedCall], float]
"""Runs a call once and returns its time in ms."""

BLOCK = 10
"""Rounds between two placements of the variants in memory."""
WARM_MS = 2.0
_MAX_WARM_CALLS = 10
_LONG_MS = 25.0
"""A longer call fills the caches within a small part of its time."""
_NS_PER_MS = 1e6
_RESAMPLES = 400
_MAX_GAP = 2**16
"""Most numbers of a random gap in memory before each copy."""


@dataclass(frozen=True)
class Samples:
    """Times in ms by variant, one per round and in order: equal indices are pairs."""

    ms: dict[str, list[float]]
    blocks: list[int] = field(default_factory=list)
    """Rounds of each placement in memory, in order."""
    stopped: str = ""
    """Why the rounds ended: "precision 2 %", "100 rounds" or "10 s"."""


def interleave(
    factories: Mapping[str, CallFactory], clock: Clock, rounds: Rounds, seed: int = 0
) -> Samples:
    """Time variants in rounds of shuffled turns.

    A turn is some untimed calls, which bring weights and code back into the caches that other
    variants have filled, and a timed one: a time does not depend on which variants take part.
    Every 10 rounds all copies are made anew at other addresses in memory, since a lucky address
    lasts as long as its copy: two copies of one network differ by a percent or two.
    The seed is that of the orders and of the gaps in memory.
    """
    shuffle = random.Random(seed)
    samples: dict[str, list[float]] = {name: [] for name in factories}
    calls: dict[str, TimedCall] = {}
    blocks: list[int] = []
    stopped = ""
    spent_s = 0.0
    while not stopped:
        # The old copies are freed after the new ones exist, or these would reuse their addresses.
        calls, gaps = _place_copies(factories, shuffle)
        warm = {name: _warm_calls(call, clock) for name, call in calls.items()}
        blocks.append(0)
        start = time.monotonic()
        while blocks[-1] < BLOCK and not stopped:
            order = shuffle.sample(list(factories), len(factories))
            for name in order:
                for _ in range(warm[name]):
                    calls[name]()
                samples[name].append(clock(calls[name]))
            blocks[-1] += 1
            stopped = _stop_by_count(rounds, sum(blocks), spent_s + time.monotonic() - start)
        spent_s += time.monotonic() - start
        stopped = stopped or _stop_by_precision(rounds, samples, blocks)
        del gaps
    return Samples(samples, blocks, stopped)


def _place_copies(
    factories: Mapping[str, CallFactory], shuffle: random.Random
) -> tuple[dict[str, TimedCall], list[torch.Tensor]]:
    """Make calls in shuffled order, with allocations of random size between them."""
    calls, gaps = {}, []
    for name in shuffle.sample(list(factories), len(factories)):
        gaps.append(torch.empty(shuffle.randrange(1, _MAX_GAP)))
        calls[name] = factories[name]()
    return calls, gaps


def _warm_calls(call: TimedCall, clock: Clock) -> int:
    """How many calls fill about 2 ms: a single short one does not refill the caches."""
    clock(call)
    call_ms = max(clock(call), 1e-6)
    return 0 if call_ms > _LONG_MS else min(_MAX_WARM_CALLS, ceil(WARM_MS / call_ms))


def _stop_by_count(rounds: Rounds, done: int, spent_s: float) -> str:
    if done >= rounds.most:
        return f"{rounds.most} round{'s' if rounds.most > 1 else ''}"
    return f"{rounds.budget_s:g} s" if done >= rounds.least and spent_s > rounds.budget_s else ""


def _stop_by_precision(
    rounds: Rounds, samples: Mapping[str, list[float]], blocks: list[int]
) -> str:
    if rounds.precision is None or sum(blocks) < rounds.least:
        return ""
    first, *others = samples.values()
    if others:
        intervals = [
            ratio_interval(other, first, blocks=blocks, resamples=_RESAMPLES) for other in others
        ]
    else:
        intervals = [median_interval(first, blocks=blocks, resamples=_RESAMPLES)]
    widest = max((high - low) / 2 / estimate for estimate, low, high in intervals)
    return f"precision {100 * rounds.precision:g} %" if widest <= rounds.precision else ""


@contextlib.contextmanager
def intra_op_threads(threads: int) -> Iterator[None]:
    """Set torch's intra-op threads for the block, and restore the number afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def select_clock(device: torch.device) -> Clock:
    """The clock for calls on a device."""
    return _time_cuda if device.type == "cuda" else time_cpu


def time_cpu(call: TimedCall) -> float:
    """Run the call once on the CPU; return its wall time in ms."""
    start = time.perf_counter_ns()
    call()
    return (time.perf_counter_ns() - start) / _NS_PER_MS


def _time_cuda(call: TimedCall) -> float:
    """Device time between two events; the queue is empty before and after."""
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
    torch.cuda.synchronize()
    begin.record()
    call()
    end.record()
    torch.cuda.synchronize()
    return float(begin.elapsed_time(end))
