"""Bootstrap of timings level by level: processes, memory placements, rounds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from reports.statistics.intervals import CONFIDENCE, Array, Interval, Samples

Indices = NDArray[np.intp]
_EMPTY = -1


@dataclass(frozen=True)
class Draws:
    """Which samples each resample takes; sharing one object keeps two targets paired."""

    indices: Indices
    """(resamples, width) into the samples; -1 is an empty slot."""
    counts: Indices
    """(resamples,) slots that are not empty."""

    def medians(self, samples: Array) -> Array:
        """(resamples,) the median of each resample of (n,) finite samples."""
        # Index -1 selects the infinity, which sorts to the end, behind every median.
        taken = np.sort(np.append(samples, np.inf)[self.indices], axis=1)
        rows = np.arange(len(taken))
        middle: Array = (taken[rows, (self.counts - 1) // 2] + taken[rows, self.counts // 2]) / 2
        return middle


def draw(levels: Sequence[Sequence[int]], resamples: int, rng: np.random.Generator) -> Draws:
    """Draw with replacement at each level: processes, then what each of those drawn holds.

    The bootstrap of clusters (Davison and Hinkley, Bootstrap Methods and their Application, 1997,
    section 3.8); with one level it is the plain bootstrap. Time and memory grow with resamples x
    the product of the largest sizes of each level.

    Args:
        levels: from the top, for each unit of a level how many units of the next it holds, in
            order: [[2], [30, 20]] are 2 processes, of 30 and 20 rounds.
        resamples: how many to draw.
        rng: source of randomness.
    """
    chosen = np.zeros((resamples, 1), dtype=np.intp)
    for sizes in levels:
        chosen = _draw_within(chosen, np.asarray(sizes), rng)
    return Draws(chosen, (chosen != _EMPTY).sum(axis=1))


def expanded_percentiles(medians: Array, n: int) -> Interval:
    """The middle 95 % of the resamples, with tails moved out a little.

    A bootstrap of n rounds is too narrow by about the factor by which a normal interval with the
    biased standard deviation falls short of Student's; the tails are moved out by that much
    (Hesterberg, The American Statistician 2015, expanded percentile interval).
    """
    from scipy.special import ndtr, stdtrit

    tail = (1 - CONFIDENCE) / 2
    if n > 1:
        tail = float(ndtr(sqrt(n / (n - 1)) * float(stdtrit(n - 1, tail))))
    low, high = np.percentile(medians, [100 * tail, 100 * (1 - tail)])
    return float(low), float(high)


@dataclass(frozen=True)
class TimingSamples:
    """Validated samples of one target in the order of their rounds."""

    samples: Array
    """(rounds,) positive and finite."""
    rounds: tuple[int, ...]
    """Number of rounds of each process."""
    blocks: tuple[int, ...]
    """Number of rounds with each memory placement; nested in the processes."""

    @property
    def median(self) -> float:
        """Of all samples."""
        return float(np.median(self.samples))

    @property
    def clusters(self) -> tuple[int, ...]:
        """Sizes of the independent parts: processes, or placements of one process, or none."""
        return next((sizes for sizes in (self.rounds, self.blocks) if len(sizes) > 1), ())

    def log_medians(self) -> Array:
        """(clusters,) logarithm of each cluster's median, where ratios become differences."""
        parts = np.split(self.samples, np.cumsum(self.clusters[:-1]))
        return np.log([float(np.median(part)) for part in parts])

    def draws(self, resamples: int, rng: np.random.Generator) -> Draws:
        """Resample processes, then placements within each, then rounds; only levels that exist."""
        ends = np.cumsum(self.rounds)
        owners = np.searchsorted(ends, np.cumsum(self.blocks))
        levels = [
            [len(self.rounds)],
            np.bincount(owners, minlength=len(self.rounds)).tolist(),
            self.blocks,
        ]
        return draw([sizes for sizes in levels if set(sizes) != {1}] or [[1]], resamples, rng)


def timing_samples(
    name: str,
    samples: Samples,
    rounds: Sequence[int] | None = None,
    blocks: Sequence[int] | None = None,
) -> TimingSamples:
    """Validate samples and their parts.

    Args:
        name: of the samples, for errors.
        samples: (rounds,) in any unit.
        rounds: number of rounds of each process, in order; None or empty for one process.
        blocks: number of rounds of each memory placement, in order; None or empty where they were
            not recorded: then each process counts as one.

    Raises:
        ValueError: there is no sample, one is not a positive finite number, or the parts do not
            add up or are not nested.
    """
    array = np.asarray(samples, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(f"{name}: expected one row of at least one round, not shape {array.shape}")
    if not (np.isfinite(array).all() and (array > 0).all()):
        raise ValueError(f"{name}: every sample must be a positive finite number")
    processes = _validated_sizes(f"{name}: rounds of processes", rounds or [array.size], array.size)
    placements = _validated_sizes(f"{name}: rounds of blocks", blocks or processes, array.size)
    if not set(np.cumsum(processes).tolist()) <= set(np.cumsum(placements).tolist()):
        raise ValueError(f"{name}: a block must end in the process in which it began")
    return TimingSamples(array, processes, placements)


def _draw_within(chosen: Indices, sizes: Indices, rng: np.random.Generator) -> Indices:
    """(resamples, width x largest size): of each unit chosen, as many of its own as it has."""
    taken = np.where(chosen == _EMPTY, 0, sizes[chosen])[..., None]
    starts = np.cumsum(sizes) - sizes
    fractions = rng.random((*chosen.shape, int(sizes.max())))
    indices = starts[chosen][..., None] + (fractions * taken).astype(np.intp)
    indices[np.arange(indices.shape[2]) >= taken] = _EMPTY
    return indices.reshape(len(chosen), -1)


def _validated_sizes(name: str, sizes: Sequence[int], total: int) -> tuple[int, ...]:
    if min(sizes) < 1 or sum(sizes) != total:
        raise ValueError(f"{name} must be at least 1 and add up to {total}, not {list(sizes)}")
    return tuple(sizes)
