"""Pareto fronts of any number of objectives, and their hypervolume."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from reports.statistics.intervals import Array

Mask: TypeAlias = NDArray[np.bool_]
MARGIN = 0.1
"""Distance of the reference point beyond the worst value, as a share of the range of values."""


def nondominated(points: ArrayLike, directions: Sequence[str]) -> Mask:
    """Mask of the points that no other point dominates, for any number of objectives.

    A point dominates another when it is at least as good in every objective and better in one.
    Equal points do not dominate each other: they are on the front together. O(n log n) for up to
    three objectives, O(n log^(m-2) n) for m (Kung, Luccio and Preparata, JACM 1975) in moocore.

    Args:
        points: (n, m), any units.
        directions: m times "maximize" or "minimize".

    Returns:
        (n,) booleans in the order of the input.

    Raises:
        ValueError: the shape does not fit the directions, or a value is not finite.
    """
    losses = as_losses(points, directions)
    if len(losses) == 0:
        return np.zeros(0, dtype=np.bool_)
    if losses.shape[1] == 1:
        # One objective needs no sweep, and not every moocore takes it.
        return np.asarray(losses[:, 0] == losses[:, 0].min(), dtype=np.bool_)
    from moocore import is_nondominated

    return np.asarray(is_nondominated(losses, keep_weakly=True), dtype=np.bool_)


def as_losses(points: ArrayLike, directions: Sequence[str]) -> Array:
    """A copy (n, m) of the points where maximized objectives have changed their sign.

    Raises:
        ValueError: the shape does not fit the directions, or a value is not finite.
    """
    if not directions or not {*directions} <= {"maximize", "minimize"}:
        raise ValueError(f"directions must be maximize or minimize, not {list(directions)}")
    values = np.asarray(points, dtype=np.float64)
    if values.size == 0:
        return np.zeros((0, len(directions)))
    if values.ndim != 2 or values.shape[1] != len(directions):
        raise ValueError(f"points of shape {values.shape} do not fit {len(directions)} directions")
    if not np.isfinite(values).all():
        raise ValueError("every value of a point must be finite, or the front is undefined")
    return values * [-1.0 if way == "maximize" else 1.0 for way in directions]


def reference_and_ideal(points: ArrayLike, directions: Sequence[str]) -> tuple[Array, Array]:
    """The box of a hypervolume: a point worse than all of (n, m) points, and the best values.

    The ideal has the best value of each objective. The reference has the worst one, moved away from
    the best by a tenth of the range between them, so that every point counts; where all values are
    equal, by a tenth of their magnitude, and where that is zero, by one. Pass everything finished,
    not only the front.

    Raises:
        ValueError: there are no points, or they do not fit the directions.
    """
    losses = as_losses(points, directions)
    if len(losses) == 0:
        raise ValueError("expected at least one point: of no points none is best or worst")
    best, worst = losses.min(axis=0), losses.max(axis=0)
    step = MARGIN * np.where(worst > best, worst - best, np.abs(worst))
    # Back to the directions of the objectives: changing the sign twice changes nothing.
    reference, ideal = as_losses([worst + np.where(step > 0, step, 1.0), best], directions)
    return reference, ideal


def hypervolume(
    points: ArrayLike, directions: Sequence[str], reference: ArrayLike, ideal: ArrayLike
) -> float:
    """Share of the box between `ideal` and `reference` that the points dominate.

    Dominated points change nothing; what lies outside the box is cut off at it. moocore computes
    it: O(n log n) for two and three objectives, O(n^2) for four (Guerreiro and Fonseca, 2017).

    Args:
        points: (n, m); none dominate nothing.
        directions: m times "maximize" or "minimize".
        reference: (m,), worse than `ideal` (m,) in each objective.
        ideal: as `reference_and_ideal` returns both.

    Raises:
        ValueError: shapes do not fit, a value is not finite, or the box is empty.
    """
    return _volume(_scale_to_box(points, directions, reference, ideal))


def hypervolume_progress(
    points: ArrayLike, directions: Sequence[str], reference: ArrayLike, ideal: ArrayLike
) -> Array:
    """The hypervolume after each point, (n,), never falling; arguments as in `hypervolume`.

    Only a point that enters the front of those before it changes the volume, so only then is it
    computed, from that front alone: n comparisons with a front, and few volumes.

    Raises:
        ValueError: as `hypervolume` does.
    """
    losses = _scale_to_box(points, directions, reference, ideal)
    volumes = np.zeros(len(losses))
    kept, volume = losses[:0], 0.0
    for index, point in enumerate(losses):
        if point.max() < 1 and not (kept <= point).all(axis=1).any():
            kept = np.vstack([kept[~(point <= kept).all(axis=1)], point])
            # Rounding alone could make it fall.
            volume = max(volume, _volume(kept))
        volumes[index] = volume
    return volumes


def _scale_to_box(
    points: ArrayLike, directions: Sequence[str], reference: ArrayLike, ideal: ArrayLike
) -> Array:
    """The points as losses with the ideal at 0 and the reference at 1, none below 0."""
    best, worst = as_losses(np.stack([np.asarray(ideal), np.asarray(reference)]), directions)
    if not (worst > best).all():
        raise ValueError("the reference must be worse than the ideal in each objective")
    return np.clip((as_losses(points, directions) - best) / (worst - best), 0.0, None)


def _volume(losses: Array) -> float:
    inside = losses[losses.max(axis=1) < 1] if len(losses) else losses
    if len(inside) == 0:
        return 0.0
    if inside.shape[1] == 1:
        return float(1 - inside.min())
    from moocore import hypervolume as moocore_hypervolume

    return min(1.0, float(moocore_hypervolume(inside, ref=np.ones(inside.shape[1]))))
