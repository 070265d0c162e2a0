"""The non-dominated front: which arms no other arm beats on accuracy and cost at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

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
    if gain.size == 0:
        return np.zeros(0, dtype=np.bool_)
    points = np.column_stack([gain, loss])
    if not np.isfinite(points).all():
        raise ValueError("a point that is not finite has no place on or off a front")
    from moocore import is_nondominated

    mask = is_nondominated(points, maximise=[True, False], keep_weakly=True)
    return np.asarray(mask, dtype=np.bool_)
