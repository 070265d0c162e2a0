"""Samples of one contender and how they hang together: by process, and by place in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from reports.statistics.interval import Array, Samples
from reports.statistics.resampling import Draws, draw


@dataclass(frozen=True)
class Timing:
    """Checked samples in the order of their rounds."""

    samples: Array
    """(rounds,) positive and finite."""
    rounds: tuple[int, ...]
    """How many each process took."""
    blocks: tuple[int, ...]
    """How many were taken with each placement in memory; within the processes."""

    @property
    def median(self) -> float:
        """Of all samples."""
        return float(np.median(self.samples))

    @property
    def clusters(self) -> tuple[int, ...]:
        """Samples of each independent part: processes, in one process placements; or none known."""
        return next((sizes for sizes in (self.rounds, self.blocks) if len(sizes) > 1), ())

    def log_medians(self) -> Array:
        """(clusters,) logarithm of each cluster's median: there, ratios are differences."""
        parts = np.split(self.samples, np.cumsum(self.clusters[:-1]))
        return np.log([float(np.median(part)) for part in parts])

    def draws(self, resamples: int, rng: np.random.Generator) -> Draws:
        """Resample processes, then placements within each, then rounds; only levels that exist."""
        ends = np.cumsum(self.rounds)
        placed = np.searchsorted(ends, np.cumsum(self.blocks))
        levels = [
            [len(self.rounds)],
            np.bincount(placed, minlength=len(self.rounds)).tolist(),
            self.blocks,
        ]
        return draw([sizes for sizes in levels if set(sizes) != {1}] or [[1]], resamples, rng)


def timing(
    name: str,
    samples: Samples,
    rounds: Sequence[int] | None = None,
    blocks: Sequence[int] | None = None,
) -> Timing:
    """Check samples and their parts.

    Args:
        name: of the samples, for errors.
        samples: (rounds,) in any unit.
        rounds: how many of them each process took, in order; None or empty for one process.
        blocks: how many each placement in memory took, in order; None or empty where placements
            are not known, then a process is taken for one.

    Raises:
        ValueError: a sample is not a positive finite number, there is none, or the parts do not
            add up or do not fit into one another.
    """
    array = np.asarray(samples, dtype=np.float64)
    if array.ndim != 1 or array.size == 0:
        raise ValueError(
            f"{name}: one row of at least one round is needed, not shape {array.shape}"
        )
    if not (np.isfinite(array).all() and (array > 0).all()):
        raise ValueError(f"{name}: every sample must be a positive finite number")
    processes = _parts(f"{name}, rounds of processes", rounds or [array.size], array.size)
    placements = _parts(f"{name}, rounds of blocks", blocks or processes, array.size)
    if not set(np.cumsum(processes).tolist()) <= set(np.cumsum(placements).tolist()):
        raise ValueError(f"{name}: a block ends in another process than it began in")
    return Timing(array, processes, placements)


def _parts(name: str, sizes: Sequence[int], total: int) -> tuple[int, ...]:
    if min(sizes) < 1 or sum(sizes) != total:
        raise ValueError(f"{name} must be at least 1 and add up to {total}, not {list(sizes)}")
    return tuple(sizes)
