"""Paired differences over seeds, corrected for the number of arms that are compared."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from reports.statistics.intervals import CONFIDENCE, Samples

POWER = 0.8
"""Of the detectable effect: so often a true effect of that size is found."""


@dataclass(frozen=True)
class Effect:
    """A mean paired difference, after - before.

    Args:
        difference: its estimate.
        low: lower end of its 95 % Student t interval.
        high: upper end of it.
        p: of the two-sided paired t test, not corrected.
        error: standard error of the difference.
        pairs: number of seeds.
    """

    difference: float
    low: float
    high: float
    p: float
    error: float
    pairs: int

    def detectable(self, tests: int = 1) -> float:
        """The effect that this many seeds, of this spread, find with a power of 80 %.

        Args:
            tests: in the family; the level of each is 5 % divided by it (Bonferroni), which is
                what Holm's procedure asks of the smallest p.
        """
        from scipy.special import nctdtr, stdtrit

        freedom = self.pairs - 1
        critical = float(stdtrit(freedom, 1 - (1 - CONFIDENCE) / (2 * tests)))
        low, high = 0.0, 4 * critical + 10
        for _ in range(60):
            shift = (low + high) / 2
            power = 1 - nctdtr(freedom, shift, critical) + nctdtr(freedom, shift, -critical)
            low, high = (shift, high) if power < POWER else (low, shift)
        return high * self.error


def paired_effect(after: Samples, before: Samples, resolution: float = 0.0) -> Effect:
    """The effect from values that pair by seed, at least two; (seeds,) each.

    Args:
        after: values of an arm.
        before: those of the base, in the order of the same seeds.
        resolution: step of the values, 1/n for accuracies of n images. Differences that happen to
            be equal have at least the spread of their rounding, else any two seeds could prove
            anything.

    Raises:
        ValueError: fewer than two pairs, or sides of different lengths.
    """
    from scipy.special import stdtr, stdtrit

    sides = [np.asarray(side, dtype=np.float64) for side in (after, before)]
    if sides[0].size != sides[1].size or sides[0].size < 2:
        raise ValueError(
            f"a paired difference needs at least two pairs, not {sides[0].size} and {sides[1].size}"
        )
    differences = sides[0] - sides[1]
    n, difference = differences.size, float(differences.mean())
    # Two values rounded to a step: a variance of step^2 / 12 each.
    spread = max(float(differences.std(ddof=1)), resolution / sqrt(6))
    error = spread / sqrt(n)
    if error == 0.0:
        return Effect(difference, difference, difference, float(difference == 0.0), 0.0, n)
    half = float(stdtrit(n - 1, 0.5 + CONFIDENCE / 2)) * error
    p = 2 * float(stdtr(n - 1, -abs(difference) / error))
    return Effect(difference, difference - half, difference + half, min(1.0, p), error, n)


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjusted p values of a family of tests, in the same order.

    Holm's step-down procedure (Scandinavian Journal of Statistics 1979): rejecting those below 5 %
    makes one false claim or more in at most 5 % of families, whatever depends on what.
    """
    count = len(p_values)
    adjusted, largest = [0.0] * count, 0.0
    for rank, index in enumerate(sorted(range(count), key=lambda index: p_values[index])):
        largest = max(largest, min(1.0, (count - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted
