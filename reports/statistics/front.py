"""The non-dominated front: what nothing else beats in every objective at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

Values: TypeAlias = Sequence[float] | NDArray[np.float64]


def front(accuracy: Values, cost: Values) -> NDArray[np.bool_]:
    """Mask of the points that no other point dominates.

    A point dominates another when it is at least as accurate and at most as costly, and better in
    one of the two. Equal points do not dominate each other: both are on the front or neither is.
    O(n log n) by dimension sweep (Kung, Luccio and Preparata, JACM 1975) in moocore.

    Args:
        accuracy: (n,), more is better, any unit.
        cost: (n,), less is better, any unit.

    Returns:
        (n,) booleans in the order of the input.

    Raises:
        ValueError: lengths differ or a value is not finite.
    """
    gain, loss = np.asarray(accuracy, dtype=np.float64), np.asarray(cost, dtype=np.float64)
    if gain.ndim != 1 or gain.shape != loss.shape:
        raise ValueError(f"one cost per accuracy is needed, not {gain.shape} and {loss.shape}")
    return nondominated(np.column_stack([gain, loss]), ("maximize", "minimize"))


def nondominated(points: ArrayLike, directions: Sequence[str]) -> NDArray[np.bool_]:
    """Mask of the points that no other point dominates, for any number of objectives.

    Equal points are on the front together, as in `front`. O(n log n) for up to three objectives,
    O(n log^(m-2) n) for m of them (Kung, Luccio and Preparata, JACM 1975) in moocore.

    Args:
        points: (n, m), any units.
        directions: m times "maximize" or "minimize".

    Returns:
        (n,) booleans in the order of the input.

    Raises:
        ValueError: the shape does not fit the directions, or a value is not finite.
    """
    losses = minimised(points, directions)
    if len(losses) == 0:
        return np.zeros(0, dtype=np.bool_)
    if losses.shape[1] == 1:
        # One objective needs no sweep, and not every moocore takes it.
        return np.asarray(losses[:, 0] == losses[:, 0].min(), dtype=np.bool_)
    from moocore import is_nondominated

    return np.asarray(is_nondominated(losses, keep_weakly=True), dtype=np.bool_)


def minimised(points: ArrayLike, directions: Sequence[str]) -> NDArray[np.float64]:
    """The points with every objective turned so that less is better.

    Args:
        points: (n, m), or nothing at all.
        directions: m times "maximize" or "minimize".

    Returns:
        (n, m), a copy.

    Raises:
        ValueError: the shape does not fit the directions, or a value is not finite.
    """
    unknown = [each for each in directions if each not in ("maximize", "minimize")]
    if unknown or not directions:
        raise ValueError(f"directions are maximize or minimize, not {list(directions)}")
    given = np.asarray(points, dtype=np.float64)
    if given.size == 0:
        return np.zeros((0, len(directions)))
    if given.ndim != 2 or given.shape[1] != len(directions):
        raise ValueError(f"points of shape {given.shape} do not fit {len(directions)} directions")
    if not np.isfinite(given).all():
        raise ValueError("a point that is not finite has no place on or off a front")
    return given * [-1.0 if each == "maximize" else 1.0 for each in directions]
