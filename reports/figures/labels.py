"""Labels of the points of a panel: close to their point, covering neither points nor labels.

Written here because docs/dependencies.md shows textalloc and adjustText to do worse.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import pi

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Annotation, Text
from numpy.typing import ArrayLike, NDArray

from reports.figures.texts import drawable, font_of

Array = NDArray[np.float64]

_GAP = 6.0
"""From the centre of a marker to its label, in points of 1/72 inch."""
_AIR = 2.0
"""Between two labels none of which may overlap, in points."""
# Right first, as one reads; below and left last.
_TURNS = np.array([0, 0.25, -0.25, 0.5, -0.5, 0.75, -0.75, 1, 0.125, -0.125, 0.375, -0.375])
_RADII = np.array([1.0, 1.7, 2.6, 3.8, 5.2, 7.0, 9.0, 12.0, 16.0])
_PREFERENCE = (_RADII[:, None] + 0.03 * np.arange(len(_TURNS))).ravel()
"""Of each position: nearer first, then in the order of the directions."""


def draw_labels(
    axes: Axes,
    texts: Sequence[str],
    points: ArrayLike,
    *,
    fontsize: float,
    lines: Sequence[Array] = (),
    dots: ArrayLike = (),
    keep_all: bool = True,
) -> list[str]:
    """Write a label at each point; a thin line leads to those that are not adjacent to theirs.

    Limits and scales must be final. Offsets are kept in points, so they hold at every resolution.

    Args:
        axes: to draw in.
        texts: the labels, never read as mathematics.
        points: (n, 2) what they label, in data coordinates.
        fontsize: of the labels, in points.
        lines: (k, 2) polylines of axis-parallel segments to keep off, in data coordinates.
        dots: (m, 2) other points to keep off.
        keep_all: draw also the labels that overlap another one.

    Returns:
        The labels that were left out because no free position remained.
    """
    figure = axes.figure.get_figure(root=True)
    assert figure is not None
    pixel = figure.dpi / 72
    points = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    centres = axes.transData.transform(points) - axes.bbox.p0
    labels = [
        _annotate(axes, text, (float(x), float(y)), fontsize)
        for text, (x, y) in zip(texts, points, strict=True)
    ]
    # The extent of an annotation would include its line.
    extents = [Text.get_window_extent(label) for label in labels]
    sizes = np.array([box.size for box in extents]).reshape(-1, 2)
    chosen = place_labels(
        centres,
        # Where overlapping labels are dropped, small overlaps must not arise at all.
        sizes if keep_all else sizes + _AIR * pixel,
        frame=axes.bbox.size,
        gap=_GAP * pixel,
        obstacles=_obstacles(axes, lines, dots, pixel),
    )
    boxes = _boxes(chosen, sizes)
    distances = np.hypot(*np.maximum(0, np.abs(chosen - centres) - sizes / 2).T)
    drawn: list[int] = []
    left_out = []
    for index, label in enumerate(labels):
        if not keep_all and _shared_area(boxes[[index]], boxes[drawn])[0] > 0:
            label.remove()
            left_out.append(texts[index])
            continue
        drawn.append(index)
        label.xyann = tuple((chosen - centres)[index] / pixel)
        assert label.arrow_patch is not None
        label.arrow_patch.set_visible(bool(distances[index] > 1.4 * _GAP * pixel))
    return left_out


def stairs(points: ArrayLike) -> Array:
    """The corners (2n - 1, 2) of the steps through points (n, 2): along x first, then along y."""
    xs, ys = np.asarray(points, dtype=np.float64).T
    return np.column_stack([np.repeat(xs, 2)[1:], np.repeat(ys, 2)[:-1]])


def place_labels(
    points: ArrayLike, sizes: ArrayLike, *, frame: ArrayLike, gap: float, obstacles: ArrayLike = ()
) -> Array:
    """Choose the centre of each label so that none covers another label or a point.

    Greedy and deterministic: labels in the densest regions choose first, each the cheapest of 108
    positions. Covered labels, covered points and leaving the frame cost most, then obstacles, then
    distance. O(n^2) positions x boxes.

    Args:
        points: (n, 2) centres of the markers, in pixels from the lower left of the frame.
        sizes: (n, 2) width and height of each label, in pixels.
        frame: (2,) width and height of the frame, in pixels.
        gap: from a marker's centre to the nearest edge of its label, in pixels.
        obstacles: (k, 4) boxes better not covered, in pixels.

    Returns:
        (n, 2) centres of the labels; they overlap only where no free position is left.
    """
    centres = np.asarray(points, dtype=np.float64).reshape(-1, 2)
    extents = np.asarray(sizes, dtype=np.float64).reshape(-1, 2)
    markers = np.hstack([centres - 0.7 * gap, centres + 0.7 * gap])
    soft = np.asarray(obstacles, dtype=np.float64).reshape(-1, 4)
    inside = np.array([[0.0, 0.0, *np.asarray(frame, dtype=np.float64)]])
    chosen, taken = np.zeros_like(centres), np.zeros((0, 4))
    for index in _densest_first(centres):
        positions = _positions(centres[index], extents[index], gap)
        boxes = _boxes(positions, extents[index])
        cost = (
            50 * _shared_area(boxes, taken)
            + 20 * _shared_area(boxes, markers)
            + 100 * (extents[index].prod() - _shared_area(boxes, inside))
            + 4 * _shared_area(boxes, soft)
            + gap**2 * _PREFERENCE
        )
        best = int(np.argmin(cost))
        chosen[index] = positions[best]
        taken = np.vstack([taken, boxes[best]])
    return chosen


def _densest_first(centres: Array) -> list[int]:
    distances = np.hypot(*(centres[:, None] - centres[None]).transpose(2, 0, 1))
    density = np.exp(-distances / 40).sum(axis=1).round(9)
    return [int(index) for index in np.argsort(-density, kind="stable")]


def _positions(point: Array, size: Array, gap: float) -> Array:
    """Centres around a point, so that the label's near edge is at the radius whatever its width."""
    directions = np.column_stack([np.cos(pi * _TURNS), np.sin(pi * _TURNS)])
    offsets: Array = directions[None] * (gap * _RADII[:, None, None] + size / 2)
    return point + offsets.reshape(-1, 2)


def _boxes(centres: Array, sizes: Array) -> Array:
    """(n, 4): left, bottom, right, top."""
    return np.hstack([centres - sizes / 2, centres + sizes / 2])


def _shared_area(boxes: Array, others: Array) -> Array:
    """(n,) area in pixels^2 that each box shares with all others together."""
    low = np.maximum(boxes[:, None, :2], others[None, :, :2])
    high = np.minimum(boxes[:, None, 2:], others[None, :, 2:])
    shared: Array = np.prod(np.clip(high - low, 0, None), axis=2).sum(axis=1)
    return shared


def _obstacles(axes: Axes, lines: Sequence[Array], dots: ArrayLike, pixel: float) -> Array:
    """Segments and dots as boxes in pixels from the lower left of the frame."""
    corners = [axes.transData.transform(line) - axes.bbox.p0 for line in lines]
    starts = np.vstack([np.zeros((0, 2)), *(line[:-1] for line in corners)])
    ends = np.vstack([np.zeros((0, 2)), *(line[1:] for line in corners)])
    centres = np.asarray(dots, dtype=np.float64).reshape(-1, 2)
    if len(centres):
        centres = axes.transData.transform(centres) - axes.bbox.p0
    return np.vstack(
        [
            np.hstack([np.minimum(starts, ends) - 1, np.maximum(starts, ends) + 1]),
            _boxes(centres, np.full(2, 3 * pixel)),
        ]
    )


def _annotate(axes: Axes, text: str, point: tuple[float, float], fontsize: float) -> Annotation:
    text = drawable(text)
    return axes.annotate(
        text,
        point,
        xytext=(0, 0),
        textcoords="offset points",
        fontsize=fontsize,
        **font_of(text),
        color="0.15",
        ha="center",
        va="center",
        zorder=4,
        parse_math=False,
        arrowprops={
            "arrowstyle": "-",
            "color": "0.5",
            "linewidth": 0.5,
            "shrinkA": 0,
            "shrinkB": 3.5,
        },
        bbox={"boxstyle": "square,pad=0.05", "facecolor": (1, 1, 1, 0.65), "edgecolor": "none"},
    )
