"""Where the names of points go: beside their point, on top of nothing. Greedy, in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi, sin
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Point: TypeAlias = tuple[float, float]
Box: TypeAlias = tuple[float, float, float, float]
"""Left, bottom, right, top."""
Boxes: TypeAlias = NDArray[np.float64]
"""(n, 4), a box each."""

# Right first, as one reads; below and left last.
_DIRECTIONS = [0.0, 0.25, -0.25, 0.5, -0.5, 0.75, -0.75, 1.0, 0.125, -0.125, 0.375, -0.375]
_RADII = (1.0, 1.7, 2.6, 3.8, 5.2, 7.0, 9.0, 12.0, 16.0)
_PREFERENCE = np.array([radius + 0.03 * n for radius in _RADII for n in range(len(_DIRECTIONS))])
"""Of each spot: nearer first, then in the order of the directions."""


def place(
    points: Sequence[Point],
    sizes: Sequence[Point],
    *,
    frame: Point,
    gap: float,
    obstacles: Sequence[Box] = (),
) -> list[Point]:
    """Choose the centre of each label so that none covers another label or a point.

    Crowded points choose first, each the cheapest of 108 places: a covered label, a covered point
    and leaving the frame cost most, then lines crossed, then distance. O(n^2) places x boxes.

    Args:
        points: (n, 2) centres of the markers, in pixels from the lower left of the frame.
        sizes: (n, 2) width and height of each label, in pixels.
        frame: width and height of the frame, in pixels.
        gap: from a marker's centre to the nearest edge of its label, in pixels.
        obstacles: boxes better not covered (error bars, lines), in pixels.

    Returns:
        (n, 2) centres of the labels; they overlap only where no free place is left.
    """
    centres = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    markers = np.hstack([centres - 0.7 * gap, centres + 0.7 * gap])
    soft = np.asarray(obstacles, dtype=np.float64).reshape(-1, 4)
    taken = np.zeros((0, 4))
    chosen: list[Point] = [(0.0, 0.0)] * len(centres)
    for index in _crowded_first(centres):
        spots = _spots(points[index], sizes[index], gap)
        boxes = np.array([_box(spot, sizes[index]) for spot in spots])
        cost = (
            50 * _overlap(boxes, taken)
            + 20 * _overlap(boxes, markers)
            + 100 * _outside(boxes, frame)
            + 4 * _overlap(boxes, soft)
            + gap**2 * _PREFERENCE
        )
        best = int(np.argmin(cost))
        chosen[index] = spots[best]
        taken = np.vstack([taken, boxes[best]])
    return chosen


def _crowded_first(centres: NDArray[np.float64]) -> list[int]:
    distances = np.hypot(*(centres[:, None] - centres[None]).transpose(2, 0, 1))
    crowd = np.exp(-distances / 40).sum(axis=1).round(9)
    return [int(index) for index in np.argsort(-crowd, kind="stable")]


def _spots(point: Point, size: Point, gap: float) -> list[Point]:
    """Centres around a point, so that the label's near edge is at the radius whatever its width."""
    return [
        (
            point[0] + cos(pi * turn) * (gap * radius + size[0] / 2),
            point[1] + sin(pi * turn) * (gap * radius + size[1] / 2),
        )
        for radius in _RADII
        for turn in _DIRECTIONS
    ]


def _box(centre: Point, size: Point) -> Box:
    half_width, half_height = size[0] / 2, size[1] / 2
    x, y = centre
    return x - half_width, y - half_height, x + half_width, y + half_height


def _overlap(boxes: Boxes, others: Boxes) -> NDArray[np.float64]:
    """(n,) area in pixels^2 that each box shares with all others together."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared: NDArray[np.float64] = np.prod(np.clip(high - low, 0, None), axis=2).sum(axis=1)
    return shared


def _outside(boxes: Boxes, frame: Point) -> NDArray[np.float64]:
    """(n,) area in pixels^2 of each box beyond the frame."""
    whole = np.prod(boxes[:, 2:] - boxes[:, :2], axis=1)
    beyond: NDArray[np.float64] = whole - _overlap(boxes, np.array([[0.0, 0.0, *frame]]))
    return beyond
