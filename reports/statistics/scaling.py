"""Statistics of a scaling study: fitted exponents and crossovers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from reports.statistics.intervals import Samples
from reports.statistics.ratios import ratio_interval


def fit_exponent(tokens: Sequence[int], values: Sequence[float]) -> float | None:
    """Slope of log(value) over log(N) by least squares, over the upper half of the sizes.

    Small maps are left out because the fixed cost of a call hides how it grows; of an odd number
    of sizes the middle one is kept. None if fewer than two sizes are left.

    Args:
        tokens: (sizes,) N, ascending.
        values: (sizes,) positive numbers in any unit.
    """
    first = len(tokens) // 2
    if len(tokens) - first < 2:
        return None
    x, y = np.log(np.asarray(tokens[first:], float)), np.log(np.asarray(values[first:], float))
    return float(np.polyfit(x, y, 1)[0])


def find_crossover(
    samples: Mapping[int, Samples], baseline: Mapping[int, Samples], sizes: Sequence[int]
) -> int | None:
    """The smallest N from which on the target beats the baseline at every larger size.

    It beats it where the 95 % interval of the median ratio of paired rounds lies below 1, or where
    only the target could be measured.

    Args:
        samples: by N, the target's (rounds,); sizes that could not be measured are absent.
        baseline: by N, the baseline's (rounds,).
        sizes: all N of the study, ascending.

    Returns:
        N, or None where it does not beat the baseline at the largest size.
    """
    crossover = None
    for n in reversed(sizes):
        if n not in samples:
            break
        if n in baseline and ratio_interval(samples[n], baseline[n])[2] >= 1:
            break
        crossover = n
    return crossover
