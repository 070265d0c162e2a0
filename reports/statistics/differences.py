"""Intervals of a difference: of two means, and of two estimates that have intervals already."""

from __future__ import annotations

from math import hypot, sqrt

import numpy as np

from reports.statistics.interval import Estimate, Samples


def welch_interval(after: Samples, before: Samples, *, confidence: float = 0.95) -> Estimate:
    """Difference of two means, after - before, with Welch's t interval; at least two values each.

    The two sides may spread differently (Welch, Biometrika 1947).

    Raises:
        ValueError: a side has fewer than two values, of which no spread can be told.
    """
    from scipy.special import stdtrit

    sides = [np.asarray(side, dtype=np.float64) for side in (after, before)]
    sizes = np.array([side.size for side in sides])
    if sizes.min() < 2:
        raise ValueError(f"a spread needs two values a side, not {sizes[0]} and {sizes[1]}")
    difference = float(sides[0].mean() - sides[1].mean())
    errors = np.array([side.var(ddof=1) for side in sides]) / sizes
    if not errors.any():
        return difference, difference, difference
    # Shares of the variance, not variances: squares of tiny ones would vanish.
    shares = errors / errors.sum()
    freedom = 1 / float((shares**2 / (sizes - 1)).sum())
    half = float(stdtrit(freedom, 0.5 + confidence / 2)) * sqrt(float(errors.sum()))
    return difference, difference - half, difference + half


def difference_interval(after: Estimate, before: Estimate) -> Estimate:
    """Difference of two independent estimates, after - before, from the interval of each.

    Each end lies as far from the difference as the two ends that pull that way lie from their
    estimates, added as squares. Of two Wilson intervals this is Newcombe's interval for two
    proportions (Statistics in Medicine 1998, method 10); of others, Zou and Donner's (2008).

    Args:
        after: (estimate, low, high) in any unit.
        before: the same of the other side, in the same unit and with the same confidence.
    """
    difference = after[0] - before[0]
    low = difference - hypot(after[0] - after[1], before[2] - before[0])
    high = difference + hypot(after[2] - after[0], before[0] - before[1])
    return difference, low, high
