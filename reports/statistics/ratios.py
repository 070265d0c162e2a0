"""Bootstrap intervals of timings: medians, ratios of paired rounds, ratios of two runs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from reports.statistics.bootstrap import TimingSamples, expanded_percentiles, timing_samples
from reports.statistics.intervals import (
    Estimate,
    Interval,
    Samples,
    mean_interval,
    welch_interval,
)

_MANY_CLUSTERS = 10
"""Processes or blocks from which on a bootstrap is wide enough by itself."""


def ratio_interval(
    samples: Samples,
    baseline: Samples,
    *,
    rounds: Sequence[int] | None = None,
    blocks: Sequence[int] | None = None,
    resamples: int = 2000,
) -> Estimate:
    """Median ratio of paired rounds, samples over baseline, with a bootstrap interval.

    The ratio is taken within each round: what slowed a round down slowed both targets, and cancels
    before anything is averaged. On a busy machine that makes the interval about half as wide as
    one of a ratio of medians. Rounds are then resampled (Efron and Tibshirani, An Introduction to
    the Bootstrap, 1993, section 13.3). Costs O(resamples x rounds).

    A process has an offset of its own in all its rounds, a memory placement in all of its block.
    So processes are resampled first, then blocks within each, then rounds. Resampling K clusters
    underestimates their spread (by sqrt(1 - 1/K) even in the mean), so with fewer than ten
    processes, or blocks of one process, the interval is widened to hold Student's t interval over
    their K median log ratios.

    Args:
        samples: (rounds,) positive numbers in any unit; entry i was taken in round i.
        baseline: (rounds,) of the same rounds, in the same unit.
        rounds: number of rounds of each process, in order; None or empty for one process.
        blocks: number of rounds of each memory placement, in order and nested in the processes;
            None or empty where placements were not varied.
        resamples: number of bootstrap resamples; equal input gives equal output.

    Returns:
        (ratio, low, high), low <= ratio <= high, without unit.

    Raises:
        ValueError: lengths differ, there is no round, a sample is not a positive finite number, or
            processes or blocks do not add up to the samples.
    """
    above, below = np.asarray(samples, np.float64), np.asarray(baseline, np.float64)
    if above.shape != below.shape:
        raise ValueError(f"paired rounds need equal lengths, not {above.size} and {below.size}")
    timing_samples("samples", above, rounds, blocks)
    timing_samples("baseline", below, rounds, blocks)
    ratios = timing_samples("ratios", above / below, rounds, blocks)
    return _median_interval(ratios, resamples)


def unpaired_ratio_interval(
    after: Samples,
    before: Samples,
    *,
    after_rounds: Sequence[int] | None = None,
    before_rounds: Sequence[int] | None = None,
    after_blocks: Sequence[int] | None = None,
    before_blocks: Sequence[int] | None = None,
    resamples: int = 2000,
) -> Estimate:
    """Ratio of medians, after over before, of two runs that share no round.

    Each side is resampled independently, level by level; nothing cancels, so the interval is wider
    than that of paired rounds. Where both sides have several processes, or blocks of a single one,
    it also holds Welch's t interval of their log medians (see `ratio_interval`). A side of one
    process carries no information on noise between processes: the interval lacks it, and reports
    must say so. Arguments of each side, result and errors are those of `ratio_interval`, but
    lengths may differ.
    """
    above = timing_samples("after", after, after_rounds, after_blocks)
    below = timing_samples("before", before, before_rounds, before_blocks)
    rng = np.random.default_rng(0)
    ratios = above.draws(resamples, rng).medians(above.samples)
    ratios /= below.draws(resamples, rng).medians(below.samples)
    smaller = min(above.samples.size, below.samples.size)
    intervals = [expanded_percentiles(ratios, smaller)]
    if above.clusters and below.clusters:
        intervals.append(_exp_interval(welch_interval(above.log_medians(), below.log_medians())))
    return _hull(above.median / below.median, intervals)


def median_interval(
    samples: Samples,
    *,
    rounds: Sequence[int] | None = None,
    blocks: Sequence[int] | None = None,
    resamples: int = 2000,
) -> Estimate:
    """Median of one target with a bootstrap interval, in the unit of the samples.

    Arguments, errors and levels are those of `ratio_interval`.
    """
    return _median_interval(timing_samples("samples", samples, rounds, blocks), resamples)


def is_separable(low: float, high: float) -> bool:
    """Whether a ratio interval [low, high] excludes 1: only then is a difference claimed."""
    return low > 1 or high < 1


def _median_interval(values: TimingSamples, resamples: int) -> Estimate:
    medians = values.draws(resamples, np.random.default_rng(0)).medians(values.samples)
    intervals = [expanded_percentiles(medians, values.samples.size)]
    if 1 < len(values.clusters) < _MANY_CLUSTERS:
        intervals.append(_exp_interval(mean_interval(values.log_medians())))
    return _hull(values.median, intervals)


def _exp_interval(logs: Estimate) -> Interval:
    """The ends of an interval of logarithms as ratios."""
    # Two processes that disagree wildly may leave the range of a float: infinite is honest too.
    with np.errstate(over="ignore"):
        return float(np.exp(logs[1])), float(np.exp(logs[2]))


def _hull(estimate: float, intervals: Sequence[Interval]) -> Estimate:
    """The estimate in the hull of its intervals.

    Of very few rounds the percentiles can miss the estimate itself; only widening is honest.
    """
    low = min(estimate, *(low for low, _ in intervals))
    high = max(estimate, *(high for _, high in intervals))
    return estimate, low, high
