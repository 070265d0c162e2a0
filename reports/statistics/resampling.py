"""Bootstrap draws of timings level by level: processes, placements in memory, rounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from reports.statistics.interval import Array, Interval

Places = NDArray[np.intp]
_EMPTY = -1


@dataclass(frozen=True)
class Draws:
    """Which samples each resample takes; one object for two contenders keeps their pairs."""

    places: Places
    """(resamples, width) into the samples; -1 is an empty place."""
    counts: Places
    """(resamples,) places that are not empty."""

    def medians(self, samples: Array) -> Array:
        """(resamples,) the median of each resample of (n,) finite samples."""
        # Index -1 finds the infinity, which sorts to the end, where no median looks.
        taken = np.sort(np.append(samples, np.inf)[self.places], axis=1)
        rows = np.arange(len(taken))
        middle: Array = (taken[rows, (self.counts - 1) // 2] + taken[rows, self.counts // 2]) / 2
        return middle


def draw(levels: Sequence[Sequence[int]], resamples: int, rng: np.random.Generator) -> Draws:
    """Draw with replacement at each level: processes, then what each of those drawn holds.

    The bootstrap of clusters (Davison and Hinkley, Bootstrap Methods and their Application, 1997,
    section 3.8); with one level it is the plain bootstrap. Time and memory grow with resamples x
    the product of the largest numbers of each level.

    Args:
        levels: from the top, for each unit of a level how many units of the next it holds, in
            order: [[2], [30, 20]] are 2 processes, of 30 and 20 rounds.
        resamples: how many to draw.
        rng: where randomness comes from.
    """
    chosen = np.zeros((resamples, 1), dtype=np.intp)
    for sizes in levels:
        chosen = _within(chosen, np.asarray(sizes), rng)
    return Draws(chosen, (chosen != _EMPTY).sum(axis=1))


def _within(chosen: Places, sizes: Places, rng: np.random.Generator) -> Places:
    """(resamples, width x largest size): of each unit chosen, as many of its own as it has."""
    taken = np.where(chosen == _EMPTY, 0, sizes[chosen])[..., None]
    starts = np.cumsum(sizes) - sizes
    fractions = rng.random((*chosen.shape, int(sizes.max())))
    places = starts[chosen][..., None] + (fractions * taken).astype(np.intp)
    places[np.arange(places.shape[2]) >= taken] = _EMPTY
    return places.reshape(len(chosen), -1)


def percentiles(drawn: Array, confidence: float, n: int) -> Interval:
    """The middle share of the resamples, tails cut a little less than `confidence` says.

    A bootstrap of n rounds is too narrow by about the factor by which a normal interval with the
    biased standard deviation falls short of Student's; the tails are moved out by that much
    (Hesterberg, The American Statistician 2015, expanded percentile interval).
    """
    from scipy.special import ndtr, stdtrit

    tail = (1 - confidence) / 2
    if n > 1:
        tail = float(ndtr(sqrt(n / (n - 1)) * float(stdtrit(n - 1, tail))))
    low, high = np.percentile(drawn, [100 * tail, 100 * (1 - tail)])
    return float(low), float(high)
