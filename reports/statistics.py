"""Intervals of a benchmark, as pure functions on arrays: ratios, proportions, means over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Samples: TypeAlias = Sequence[float] | NDArray[np.float64]
Interval: TypeAlias = tuple[float, float]
Estimate: TypeAlias = tuple[float, float, float]
"""An estimate, the low and the high end of its interval."""


def ratio_interval(
    samples: Samples,
    baseline: Samples,
    *,
    confidence: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
) -> Estimate:
    """Ratio of medians, samples over baseline, with a bootstrap interval from paired rounds.

    Rounds are resampled, not samples: what slowed a round down slowed both contenders, so a pair
    stays a pair and the common part cancels (Efron and Tibshirani, An Introduction to the
    Bootstrap, 1993, sections 8.3 and 13.3). Costs O(resamples x rounds) time and memory.

    Args:
        samples: (rounds,) positive numbers in any unit; entry i was taken in round i.
        baseline: (rounds,) of the same rounds, in the same unit.
        confidence: coverage aimed at, in (0, 1).
        resamples: how many bootstrap rounds are drawn.
        seed: of the generator; equal input and seed give equal output.

    Returns:
        (ratio, low, high), low <= ratio <= high, without unit.

    Raises:
        ValueError: lengths differ, there is no round, or a sample is not a positive finite number.
    """
    above, below = _positive("samples", samples), _positive("baseline", baseline)
    if above.shape != below.shape:
        raise ValueError(f"paired rounds need equal lengths, not {above.size} and {below.size}")
    ratio = float(np.median(above) / np.median(below))
    rounds = np.random.default_rng(seed).integers(above.size, size=(resamples, above.size))
    drawn = np.median(above[rounds], axis=1) / np.median(below[rounds], axis=1)
    tail = 50 * (1 - confidence)
    low, high = np.percentile(drawn, [tail, 100 - tail])
    # Of very few rounds the percentiles can miss the estimate itself; only widening is honest.
    return ratio, min(float(low), ratio), max(float(high), ratio)


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


def _positive(name: str, values: Samples) -> NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(
            f"{name}: one row of at least one round is needed, not shape {array.shape}"
        )
    if not (np.isfinite(array).all() and (array > 0).all()):
        raise ValueError(f"{name}: every sample must be a positive finite number")
    return array
