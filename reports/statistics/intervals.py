"""95 % intervals of proportions, means and differences, as pure functions on arrays."""

from __future__ import annotations

from collections.abc import Sequence
from math import hypot, sqrt
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

# The intervals of scipy.stats agree to rounding, but are not used: importing it takes three times
# as long as scipy.special, whose quantiles suffice; each call is 10 to 500 times slower, and the
# bootstrap calls some of them per target; its t intervals warn where all values are equal (a
# deterministic training repeated) and its Wilson interval takes counts, not stored fractions.

Array: TypeAlias = NDArray[np.float64]
Samples: TypeAlias = Sequence[float] | Array
Interval: TypeAlias = tuple[float, float]
"""Low and high end."""
Estimate: TypeAlias = tuple[float, float, float]
"""An estimate, the low and the high end of its interval."""
CONFIDENCE = 0.95
"""Intended coverage of every interval of this package."""


def wilson_interval(accuracy: float, n: int) -> Interval:
    """Score interval of a proportion: the uncertainty of an accuracy from n test images.

    Unlike accuracy +- z x standard error it stays inside [0, 1] and keeps a width at 0 and 1
    (Wilson, JASA 1927). `accuracy` is a fraction in [0, 1], `n` the number of images.

    Raises:
        ValueError: the accuracy is outside [0, 1] or n is below 1.
    """
    from scipy.special import ndtri

    if not 0 <= accuracy <= 1 or n < 1:
        raise ValueError(f"expected a fraction in [0, 1] of n >= 1 images, not {accuracy} of {n}")
    z = float(ndtri(0.5 + CONFIDENCE / 2))
    shrink = 1 + z * z / n
    centre = (accuracy + z * z / (2 * n)) / shrink
    half = z / shrink * sqrt(accuracy * (1 - accuracy) / n + (z / (2 * n)) ** 2)
    # At 0 and 1 an end equals the accuracy in exact arithmetic; rounding must not push it past.
    return max(0.0, min(centre - half, accuracy)), min(1.0, max(centre + half, accuracy))


def mean_interval(values: Samples) -> Estimate:
    """Mean over seeds with the Student t interval; `values`: (seeds,), at least two.

    Raises:
        ValueError: fewer than two values, which have no spread.
    """
    from scipy.special import stdtrit

    seeds = np.asarray(values, dtype=np.float64)
    if seeds.size < 2:
        raise ValueError(f"an interval over seeds needs at least two of them, not {seeds.size}")
    mean = float(seeds.mean())
    error = float(seeds.std(ddof=1)) / sqrt(seeds.size)
    half = float(stdtrit(seeds.size - 1, 0.5 + CONFIDENCE / 2)) * error
    return mean, mean - half, mean + half


def welch_interval(after: Samples, before: Samples) -> Estimate:
    """Difference of two means, after - before, with Welch's t interval; at least two values each.

    The two sides may spread differently (Welch, Biometrika 1947).

    Raises:
        ValueError: a side has fewer than two values, which have no spread.
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
    half = float(stdtrit(freedom, 0.5 + CONFIDENCE / 2)) * sqrt(float(errors.sum()))
    return difference, difference - half, difference + half


def difference_interval(after: Estimate, before: Estimate) -> Estimate:
    """Difference of two independent estimates, after - before, from the interval of each.

    Each end lies as far from the difference as the two ends in that direction lie from their
    estimates, added as squares. Of two Wilson intervals this is Newcombe's interval for two
    proportions (Statistics in Medicine 1998, method 10); of others, Zou and Donner's (2008).
    """
    difference = after[0] - before[0]
    low = difference - hypot(after[0] - after[1], before[2] - before[0])
    high = difference + hypot(after[2] - after[0], before[0] - before[1])
    return difference, low, high
