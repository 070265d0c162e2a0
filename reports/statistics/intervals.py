"""Intervals of a benchmark, as pure functions on arrays: ratios, proportions, means over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np

from reports.statistics.differences import welch_interval
from reports.statistics.interval import Estimate, Interval, Samples
from reports.statistics.resampling import percentiles
from reports.statistics.timing_samples import Timing, timing

_MANY = 10
"""Processes or blocks, of which a bootstrap is wide enough without help."""


def ratio_interval(
    samples: Samples,
    baseline: Samples,
    *,
    rounds: Sequence[int] | None = None,
    blocks: Sequence[int] | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Median ratio of paired rounds, samples over baseline, with a bootstrap interval.

    The ratio is taken within each round: what slowed a round down slowed both contenders, and
    cancels before anything is averaged. Where a machine is busy that makes the interval about half
    as wide as one of a ratio of medians. Rounds are then resampled (Efron and Tibshirani, An
    Introduction to the Bootstrap, 1993, section 13.3). Costs O(resamples x rounds).

    A fresh process keeps its luck for all its rounds, a placement in memory for all of its block.
    So processes are resampled first, then blocks within each, then rounds. Resampling a few of
    something shows too little of how they differ (by sqrt(1 - 1/K) even in the mean), so of fewer
    than ten processes, or blocks of one process, the interval is widened to hold Student's t
    interval over their K median log ratios.

    Args:
        samples: (rounds,) positive numbers in any unit; entry i was taken in round i.
        baseline: (rounds,) of the same rounds, in the same unit.
        rounds: how many of them each process took, in their order; None or empty for one process.
        blocks: how many each placement in memory took, in their order and within the processes;
            None or empty where nothing was placed anew.
        confidence: coverage aimed at, in (0, 1).
        resamples: how many bootstrap rounds are drawn.
        seed: of the generator; equal input and seed give equal output.

    Returns:
        (ratio, low, high), low <= ratio <= high, without unit.

    Raises:
        ValueError: lengths differ, there is no round, a sample is not a positive finite number, or
            processes or blocks do not add up to the samples.
    """
    above, below = np.asarray(samples, np.float64), np.asarray(baseline, np.float64)
    if above.shape != below.shape:
        raise ValueError(f"paired rounds need equal lengths, not {above.size} and {below.size}")
    timing("samples", above, rounds, blocks)
    timing("baseline", below, rounds, blocks)
    ratios = timing("ratios", above / below, rounds, blocks)
    return _median(ratios, confidence, resamples, seed)


def unpaired_ratio_interval(
    after: Samples,
    before: Samples,
    *,
    after_rounds: Sequence[int] | None = None,
    before_rounds: Sequence[int] | None = None,
    after_blocks: Sequence[int] | None = None,
    before_blocks: Sequence[int] | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Ratio of medians, after over before, of two runs that share no round.

    Each side is resampled on its own, level by level; nothing cancels, so the interval is wider
    than that of paired rounds. Where both sides have several processes, or blocks of a single one,
    it also holds Welch's t interval of their log medians (see `ratio_interval`). A side of one
    process says nothing about noise between processes: then the interval lacks it, which its
    reader must be told.

    Args:
        after: (rounds after,) positive numbers in any unit.
        before: (rounds before,) in the same unit.
        after_rounds: how many each process took, as in `ratio_interval`.
        before_rounds: the same of the other side.
        after_blocks: how many each placement in memory took, as in `ratio_interval`.
        before_blocks: the same of the other side.
        confidence: coverage aimed at, in (0, 1).
        resamples: how many bootstrap rounds are drawn.
        seed: of the generator; equal input and seed give equal output.

    Returns:
        (ratio, low, high), low <= ratio <= high, without unit.

    Raises:
        ValueError: as `ratio_interval`, but lengths may differ.
    """
    above = timing("after", after, after_rounds, after_blocks)
    below = timing("before", before, before_rounds, before_blocks)
    rng = np.random.default_rng(seed)
    drawn = above.draws(resamples, rng).medians(above.samples)
    drawn /= below.draws(resamples, rng).medians(below.samples)
    found = [percentiles(drawn, confidence, min(above.samples.size, below.samples.size))]
    if above.clusters and below.clusters:
        logs = above.log_medians(), below.log_medians()
        found.append(_ratios(welch_interval(*logs, confidence=confidence)))
    return _around(above.median / below.median, found)


def median_interval(
    samples: Samples,
    *,
    rounds: Sequence[int] | None = None,
    blocks: Sequence[int] | None = None,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Median of one contender with a bootstrap interval, in the unit of the samples.

    Arguments, errors and levels are those of `ratio_interval`.

    Returns:
        (median, low, high), low <= median <= high.
    """
    return _median(timing("samples", samples, rounds, blocks), confidence, resamples, seed)


def _median(values: Timing, confidence: float, resamples: int, seed: int) -> Estimate:
    """The median of values from rounds, and its interval."""
    drawn = values.draws(resamples, np.random.default_rng(seed)).medians(values.samples)
    found = [percentiles(drawn, confidence, values.samples.size)]
    if 1 < len(values.clusters) < _MANY:
        found.append(_ratios(mean_interval(values.log_medians(), confidence=confidence)))
    return _around(values.median, found)


def separable(low: float, high: float) -> bool:
    """Whether a ratio interval [low, high] excludes 1: only then is a difference claimed."""
    return low > 1 or high < 1


def wilson_interval(accuracy: float, n: int, *, confidence: float = 0.95) -> Interval:
    """Score interval of a proportion: what n test images alone leave open about an accuracy.

    Unlike accuracy +- z x standard error it stays inside [0, 1] and keeps a width at 0 and 1
    (Wilson, JASA 1927). `accuracy` is a fraction in [0, 1], `n` the number of images.

    Raises:
        ValueError: the accuracy is outside [0, 1] or n is below 1.
    """
    from scipy.special import ndtri

    if not 0 <= accuracy <= 1 or n < 1:
        raise ValueError(f"a fraction in [0, 1] of n >= 1 images is needed, not {accuracy} of {n}")
    z = float(ndtri(0.5 + confidence / 2))
    shrink = 1 + z * z / n
    centre = (accuracy + z * z / (2 * n)) / shrink
    half = z / shrink * sqrt(accuracy * (1 - accuracy) / n + (z / (2 * n)) ** 2)
    # At 0 and 1 an end equals the accuracy in exact arithmetic; rounding must not push it past.
    return max(0.0, min(centre - half, accuracy)), min(1.0, max(centre + half, accuracy))


def mean_interval(values: Samples, *, confidence: float = 0.95) -> Estimate:
    """Mean over seeds with the Student t interval; `values`: (seeds,), at least two.

    Raises:
        ValueError: fewer than two values, of which no spread can be told.
    """
    from scipy.special import stdtrit

    seeds = np.asarray(values, dtype=np.float64)
    if seeds.size < 2:
        raise ValueError(f"an interval over seeds needs two of them, not {seeds.size}")
    mean = float(seeds.mean())
    error = float(seeds.std(ddof=1)) / sqrt(seeds.size)
    half = float(stdtrit(seeds.size - 1, 0.5 + confidence / 2)) * error
    return mean, mean - half, mean + half


def _ratios(logs: Estimate) -> Interval:
    """The ends of an interval of logarithms as ratios."""
    # Two processes that disagree wildly may leave the range of a float: infinite is honest too.
    with np.errstate(over="ignore"):
        return float(np.exp(logs[1])), float(np.exp(logs[2]))


def _around(estimate: float, found: Sequence[Interval]) -> Estimate:
    """The estimate in the hull of its intervals.

    Of very few rounds the percentiles can miss the estimate itself; only widening is honest.
    """
    low = min(estimate, *(low for low, _ in found))
    high = max(estimate, *(high for _, high in found))
    return estimate, low, high
