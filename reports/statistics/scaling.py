"""What a scaling study says: exponents and crossovers, as pure functions on arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from reports.statistics.interval import Samples
from reports.statistics.intervals import ratio_interval


def exponent(tokens: Sequence[int], values: Sequence[float]) -> float | None:
    """Slope of log(value) over log(N) by least squares, over the upper half of the sizes.

    Small maps are left out because a call's fixed cost hides how it grows. None with fewer than two
    sizes left.

    Args:
        tokens: (sizes,) N, ascending.
        values: (sizes,) positive numbers in any unit.
    """
    kept = len(tokens) // 2
    if len(tokens) - kept < 2:
        return None
    x, y = np.log(np.asarray(tokens[kept:], float)), np.log(np.asarray(values[kept:], float))
    return float(np.polyfit(x, y, 1)[0])


def crossover(
    samples: Mapping[int, Samples], baseline: Mapping[int, Samples], tried: Sequence[int]
) -> int | None:
    """The smallest measured N from which on the contender beats the baseline at every size tried.

    It beats it where the 95 % interval of the ratio of medians, from paired rounds, lies below 1,
    or where only the contender could be measured.

    Args:
        samples: by N, the contender's (rounds,); sizes it could not take are absent.
        baseline: by N, the baseline's (rounds,).
        tried: all N, ascending.

    Returns:
        N, or None where it does not beat the baseline at the largest size.
    """
    found = None
    for n in reversed(tried):
        if n not in samples:
            break
        if n in baseline and ratio_interval(samples[n], baseline[n])[2] >= 1:
            break
        found = n
    return found
