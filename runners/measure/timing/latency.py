"""Time by interleaved rounds: variants take turns, so that drift meets all alike."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from math import ceil

import torch

from reports.statistics.ratios import median_interval, ratio_interval

TimedCall = Callable[[], object]
Clock = Callable[[TimedCall], float]
"""Runs a call once; its time in ms."""

BLOCK = 10
"""Rounds between two placements of the variants in memory."""
WARM_MS = 2.0
_MOST_WARM_CALLS = 10
_LONG_MS = 25.0
"""A call that takes longer fills the caches within a small part of its time."""
_NS_PER_MS = 1e6
_RESAMPLES = 400
_LARGEST_GAP = 2**16


@dataclass(frozen=True)
class Rounds:
    """When to stop: at `most` rounds, or earlier, but never under `least`.

    Args:
        most: rounds.
        least: rounds.
        budget_s: seconds after which no further round begins.
        precision: half the width of each variant's 95 % interval, over its estimate, that is
            narrow enough: of the ratio to the first variant, or of a single one's median. None
            stops at nothing but rounds and seconds.
    """

    most: int
    least: int
    budget_s: float
    precision: float | None = None


@dataclass(frozen=True)
class Samples:
    """Times in ms by variant, one a round, in the order of the rounds: equal places are pairs."""

    ms: dict[str, list[float]]
    blocks: list[int] = field(default_factory=list)
    """Rounds of each placement in memory, in order."""
    stopped: str = ""
    """Why the rounds ended: "precision 2 %", "100 rounds" or "10 s"."""


def interleave(
    fresh: Mapping[str, Callable[[], TimedCall]], clock: Clock, rounds: Rounds, seed: int = 0
) -> Samples:
    """Time variants in rounds of shuffled turns.

    A turn is some untimed calls, which bring weights and code back into the caches that the others
    have filled, and a timed one: so a time does not depend on who else takes part. Every 10 rounds
    the variants are placed anew in memory, since a lucky address lasts as long as its copy: two
    copies of one network differ by a percent or two.

    Args:
        fresh: by variant, what makes its call in a copy of its own.
        clock: runs a call and gives its ms.
        rounds: when to stop.
        seed: of orders and places.
    """
    shuffle = random.Random(seed)
    samples: dict[str, list[float]] = {name: [] for name in fresh}
    calls: dict[str, TimedCall] = {}
    blocks: list[int] = []
    stopped = ""
    spent_s = 0.0
    while not stopped:
        # The old copies go once the new ones stand, or these would take their places.
        calls, gaps = _placed(fresh, shuffle)
        warm = {name: _warm_calls(call, clock) for name, call in calls.items()}
        blocks.append(0)
        start = time.monotonic()
        while blocks[-1] < BLOCK and not stopped:
            order = shuffle.sample(list(fresh), len(fresh))
            for name in order:
                for _ in range(warm[name]):
                    calls[name]()
                samples[name].append(clock(calls[name]))
            blocks[-1] += 1
            stopped = _over(rounds, sum(blocks), spent_s + time.monotonic() - start)
        spent_s += time.monotonic() - start
        stopped = stopped or _precise(rounds, samples, blocks)
        del gaps
    return Samples(samples, blocks, stopped)


def _placed(
    fresh: Mapping[str, Callable[[], TimedCall]], shuffle: random.Random
) -> tuple[dict[str, TimedCall], list[torch.Tensor]]:
    """Calls made in shuffled order, and memory of random sizes between them."""
    calls, gaps = {}, []
    for name in shuffle.sample(list(fresh), len(fresh)):
        gaps.append(torch.empty(shuffle.randrange(1, _LARGEST_GAP)))
        calls[name] = fresh[name]()
    return calls, gaps


def _warm_calls(call: TimedCall, clock: Clock) -> int:
    """How many calls fill about 2 ms: a short one alone does not fill the caches again."""
    clock(call)
    took_ms = max(clock(call), 1e-6)
    return 0 if took_ms > _LONG_MS else min(_MOST_WARM_CALLS, ceil(WARM_MS / took_ms))


def _over(rounds: Rounds, done: int, spent_s: float) -> str:
    if done >= rounds.most:
        return f"{rounds.most} round{'s' if rounds.most > 1 else ''}"
    return f"{rounds.budget_s:g} s" if done >= rounds.least and spent_s > rounds.budget_s else ""


def _precise(rounds: Rounds, samples: Mapping[str, list[float]], blocks: list[int]) -> str:
    if rounds.precision is None or sum(blocks) < rounds.least:
        return ""
    first, *others = samples.values()
    if others:
        found = [
            ratio_interval(each, first, blocks=blocks, resamples=_RESAMPLES) for each in others
        ]
    else:
        found = [median_interval(first, blocks=blocks, resamples=_RESAMPLES)]
    widest = max((high - low) / 2 / estimate for estimate, low, high in found)
    return f"precision {100 * rounds.precision:g} %" if widest <= rounds.precision else ""


@contextlib.contextmanager
def intra_op_threads(threads: int) -> Iterator[None]:
    """Torch's intra-op threads for the block; the former number afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def select_clock(device: torch.device) -> Clock:
    """How to time a call there."""
    return _time_cuda if device.type == "cuda" else time_cpu


def time_cpu(call: TimedCall) -> float:
    """Run the call once on the CPU; its wall time in ms."""
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
