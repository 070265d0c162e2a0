"""How much a front is worth in one number: the share of a box that it dominates."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reports.statistics.front import minimised

MARGIN = 0.1
"""How far the reference lies beyond the worst value, as a share of the range of the values."""


def ideal(points: ArrayLike, directions: Sequence[str]) -> NDArray[np.float64]:
    """The best value of each objective, (m,), as if one point had them all.

    Raises:
        ValueError: there are no points, or they do not fit the directions.
    """
    return _turned(_some(points, directions).min(axis=0), directions)


def reference(points: ArrayLike, directions: Sequence[str]) -> NDArray[np.float64]:
    """A value a little worse than the worst in each objective, so that every point counts.

    Exactly: the worst value, moved away from the best by a tenth of the range between them; where
    all values are equal, by a tenth of their magnitude, and where that is zero, by one.

    Args:
        points: (n, m) of everything finished, not of the front alone; n at least 1.
        directions: m times "maximize" or "minimize".

    Returns:
        (m,) in the units of the points.

    Raises:
        ValueError: there are no points, or they do not fit the directions.
    """
    losses = _some(points, directions)
    best, worst = losses.min(axis=0), losses.max(axis=0)
    step = MARGIN * np.where(worst > best, worst - best, np.abs(worst))
    return _turned(worst + np.where(step > 0, step, 1.0), directions)


def hypervolume(
    points: ArrayLike, directions: Sequence[str], reference: ArrayLike, ideal: ArrayLike
) -> float:
    """Share of the box between `ideal` and `reference` that the points dominate.

    Dominated points change nothing; what lies outside the box is cut off at it. moocore computes
    it: O(n log n) for two and three objectives, O(n^2) for four (Guerreiro and Fonseca, 2017).

    Args:
        points: (n, m); none dominate nothing.
        directions: m times "maximize" or "minimize".
        reference: (m,), worse than `ideal` in each objective.
        ideal: (m,).

    Returns:
        In [0, 1].

    Raises:
        ValueError: shapes do not fit, a value is not finite, or the box is empty.
    """
    return _volume(_in_box(points, directions, reference, ideal))


def progress(
    points: ArrayLike, directions: Sequence[str], reference: ArrayLike, ideal: ArrayLike
) -> NDArray[np.float64]:
    """The hypervolume after each point, in the order given.

    Only a point that enters the front of those before it changes the volume, so only then is it
    computed, from that front alone: n comparisons with a front, and few volumes.

    Args:
        points: (n, m) in the order they became known.
        directions: as in `hypervolume`.
        reference: as in `hypervolume`.
        ideal: as in `hypervolume`.

    Returns:
        (n,), never falling.

    Raises:
        ValueError: as `hypervolume` does.
    """
    losses = _in_box(points, directions, reference, ideal)
    volumes = np.zeros(len(losses))
    kept, volume = losses[:0], 0.0
    for index, point in enumerate(losses):
        if point.max() < 1 and not (kept <= point).all(axis=1).any():
            kept = np.vstack([kept[~(point <= kept).all(axis=1)], point])
            # Rounding alone could make it fall.
            volume = max(volume, _volume(kept))
        volumes[index] = volume
    return volumes


def _some(points: ArrayLike, directions: Sequence[str]) -> NDArray[np.float64]:
    losses = minimised(points, directions)
    if len(losses) == 0:
        raise ValueError("no points: nothing is best or worst")
    return losses


def _turned(losses: NDArray[np.float64], directions: Sequence[str]) -> NDArray[np.float64]:
    """Back to the directions of the objectives; turning twice changes nothing."""
    return minimised(losses[None], directions)[0]


def _in_box(
    points: ArrayLike, directions: Sequence[str], reference: ArrayLike, ideal: ArrayLike
) -> NDArray[np.float64]:
    """The points with the ideal at 0 and the reference at 1, less is better, none below 0."""
    best, worst = minimised(np.stack([np.asarray(ideal), np.asarray(reference)]), directions)
    if not (worst > best).all():
        raise ValueError("the reference must be worse than the ideal in each objective")
    return np.clip((minimised(points, directions) - best) / (worst - best), 0.0, None)


def _volume(losses: NDArray[np.float64]) -> float:
    inside = losses[losses.max(axis=1) < 1] if len(losses) else losses
    if len(inside) == 0:
        return 0.0
    if inside.shape[1] == 1:
        return float(1 - inside.min())
    from moocore import hypervolume as volume

    return min(1.0, float(volume(inside, ref=np.ones(inside.shape[1]))))
