"""The scatter of repeated timings of the same work: what the other checks have to explain."""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from dataclasses import dataclass

from runners.machine.doctor.finding import Finding, judge

RUNS = 300
WARMUP_RUNS = 10
BUDGET_S = 0.8
MIN_RUNS = 50
ROUNDS = 100
"""Rounds of a comparison at batch 1, whose medians must resolve differences."""
WIDE_IQR = 0.05
WIDE_P95 = 1.10

_NS_PER_MS = 1e6
# A median of n normal samples has 1.253 of the standard error of a mean, an inter-quartile range is
# 1.349 standard deviations, a ratio has the noise of two, and 2.8 standard errors are detected
# in 4 of 5 tries at the 5 % level.
_FACTOR = 2.8 * 2**0.5 * 1.253 / 1.349


@dataclass(frozen=True)
class Scatter:
    """How samples of the same work differ; `iqr`, `p95` and `drift` are relative to the median."""

    runs: int
    median_ms: float
    iqr: float
    p95: float
    """1 is the median itself."""
    drift: float
    """Between the medians of the first and the second half."""

    def smallest_difference(self, step_ms: float) -> float:
        """The smallest relative difference that medians of `ROUNDS` rounds can resolve."""
        return max(_FACTOR * self.iqr / ROUNDS**0.5, self.drift, step_ms / self.median_ms)


def summarise(samples_ms: Sequence[float]) -> Scatter:
    """The scatter of at least two samples, in the order in which they were taken."""
    import numpy as np

    low, median, high, p95 = (float(x) for x in np.percentile(samples_ms, (25, 50, 75, 95)))
    half = len(samples_ms) // 2
    first, second = (float(np.median(part)) for part in (samples_ms[:half], samples_ms[half:]))
    return Scatter(
        len(samples_ms), median, (high - low) / median, p95 / median, abs(first / second - 1)
    )


def check_scatter() -> Finding:
    """Time fixed work, and judge how its times scatter on this machine."""
    return judge_scatter(summarise(time_fixed_work()), clock_step_ms())


def judge_scatter(scatter: Scatter, step_ms: float) -> Finding:
    """Judge a scatter, with a clock that advances in steps of `step_ms`."""
    value = (
        f"IQR {scatter.iqr:.1%}, p95 {scatter.p95 - 1:+.0%} of the median of {scatter.runs} runs "
        f"of {scatter.median_ms:.1f} ms; clock steps {step_ms * _NS_PER_MS:.0f} ns"
    )
    smallest = scatter.smallest_difference(step_ms)
    resolution = f"medians of {ROUNDS} rounds can resolve differences of {smallest:.1%}"
    is_narrow = scatter.iqr <= WIDE_IQR and scatter.p95 <= WIDE_P95
    problem = f"noisy: {resolution} at best; see the warnings, or time more rounds"
    fine = f"{resolution}; expect more between processes"
    return judge("scatter", is_narrow, value, fine, problem)


def time_fixed_work() -> list[float]:
    """Repeat fixed numpy work for about half a second; the time of each run in ms."""
    import numpy as np

    matrix = np.linspace(-2, 2, 64 * 64, dtype=np.float32).reshape(64, 64)
    product = np.empty_like(matrix)

    def work() -> None:
        # einsum of two matrices uses numpy's own loops: no threads of a BLAS interfere.
        for _ in range(40):
            np.einsum("ij,kj->ik", matrix, matrix, out=product)

    samples: list[float] = []
    end = time.monotonic() + BUDGET_S
    while len(samples) < WARMUP_RUNS + RUNS:
        if len(samples) >= WARMUP_RUNS + MIN_RUNS and time.monotonic() > end:
            break
        begin = time.perf_counter_ns()
        work()
        samples.append((time.perf_counter_ns() - begin) / _NS_PER_MS)
    return samples[WARMUP_RUNS:]


def clock_step_ms() -> float:
    """The smallest observed step of the clock, in ms."""
    readings = [time.perf_counter_ns() for _ in range(2000)]
    steps = [after - before for before, after in itertools.pairwise(readings)]
    return min((step for step in steps if step > 0), default=0) / _NS_PER_MS
