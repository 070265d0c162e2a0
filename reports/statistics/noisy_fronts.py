"""Membership on a Pareto front of points that are only known with some noise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from reports.statistics.fronts import hypervolume, nondominated
from reports.statistics.intervals import CONFIDENCE, Array, Interval

DRAWS = 2_000
_MOST_VALUES = 2_000_000
"""Draws times points: of many points fewer draws are made, but never below `_LEAST_DRAWS`."""
_LEAST_DRAWS = 200


def number_of_draws(points: int) -> int:
    """How many draws are made of so many points."""
    return max(_LEAST_DRAWS, min(DRAWS, _MOST_VALUES // max(points, 1)))


def draw_values(
    estimates: ArrayLike, lows: ArrayLike, highs: ArrayLike, draws: int, *, seed: int
) -> Array:
    """Values that the intervals leave possible: normal around each estimate.

    The standard deviation is that of a normal distribution with the width of the 95 % interval: a
    Student interval of few seeds is wide, and so are its draws.

    Args:
        estimates: (n,).
        lows: (n,), of the 95 % intervals, like `highs`.
        highs: (n,).
        draws: number k of draws.
        seed: of the random numbers; equal seeds give equal draws.

    Returns:
        (k, n).
    """
    from scipy.special import ndtri

    deviations = (np.asarray(highs, float) - np.asarray(lows, float)) / (
        2 * float(ndtri((1 + CONFIDENCE) / 2))
    )
    centre = np.asarray(estimates, float)
    noise = np.random.default_rng(seed).standard_normal((draws, len(centre)))
    return np.asarray(centre + deviations * noise)


def front_probabilities(draws: ArrayLike, directions: Sequence[str]) -> Array:
    """Share of the draws in which each point is on the front.

    Args:
        draws: (k, n, m), k draws of n points.
        directions: m times "maximize" or "minimize".

    Returns:
        (n,), each from 0 to 1; every draw has at least one point on its front.

    Raises:
        ValueError: shapes do not fit, or a value is not finite.
    """
    values = np.asarray(draws, float)
    return np.mean([nondominated(points, directions) for points in values], axis=0)


def hypervolume_interval(
    draws: ArrayLike, directions: Sequence[str], reference: ArrayLike, ideal: ArrayLike
) -> Interval:
    """The 95 % interval of the hypervolume over draws (k, n, m); the box is that of the estimates.

    Raises:
        ValueError: as `hypervolume` does.
    """
    values = [
        hypervolume(points, directions, reference, ideal) for points in np.asarray(draws, float)
    ]
    tail = 50 * (1 - CONFIDENCE)
    low, high = np.percentile(values, (tail, 100 - tail))
    return float(low), float(high)
