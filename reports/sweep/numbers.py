"""The numbers beside the points of a front, as in its table, where `labels.place` finds room."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import hypot

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Text
from numpy.typing import NDArray

from reports.figures.labels import Box, place
from reports.sweep.panel import Pair

_GAP = 5.5
"""From a marker's centre to its number, in points of 1/72 inch."""
_AIR = 2.0
"""Between numbers, in points."""
_AVOIDED = 1500
"""Grey points that numbers keep off; more leave no free spot anyway."""


def draw_numbers(axes: Axes, pair: Pair, labels: dict[int, str]) -> list[str]:
    """Write the numbers of a panel drawn already; a thin line leads to those far away.

    Args:
        axes: with final limits; room is measured in pixels of the attached canvas.
        pair: what the panel shows.
        labels: by place on the front.

    Returns:
        Those left out because no free place was left.
    """
    figure = axes.figure.get_figure(root=True)
    assert figure is not None
    pixel, size = figure.dpi / 72, 8.0 if len(labels) <= 15 else 6.8
    (left, bottom), (right, top) = axes.transAxes.transform([(0, 0), (1, 1)])
    origin = np.array([left, bottom])
    front = axes.transData.transform(pair.front) - origin
    points = [(float(x), float(y)) for x, y in front[list(labels)]]
    sizes = [_measure(axes, words, size) for words in labels.values()]
    others = np.delete(front, list(labels), axis=0)
    # Any order would do, but a thinned cloud is still avoided everywhere.
    thin = pair.finished[:: 1 + len(pair.finished) // _AVOIDED]
    grey = axes.transData.transform(thin) - origin
    chosen = place(
        points,
        # With air around: what `place` takes for a small overlap is none in truth.
        [(width + _AIR * pixel, height + _AIR * pixel) for width, height in sizes],
        frame=(float(right - left), float(top - bottom)),
        gap=_GAP * pixel,
        obstacles=[
            *_around(others, 4 * pixel),
            *_around(grey, 1.5 * pixel),
            *_steps(axes, pair, origin),
        ],
    )
    taken: list[Box] = []
    left_out = []
    for words, point, target, extent in zip(labels.values(), points, chosen, sizes, strict=True):
        box = _box(target, extent)
        if any(_overlap(box, other) for other in taken):
            left_out.append(words)
            continue
        taken.append(box)
        away = (target[0] - point[0]) / pixel, (target[1] - point[1]) / pixel
        _write(axes, words, axes.transData.inverted().transform(np.add(point, origin)), away, size)
    return left_out


def _write(
    axes: Axes, words: str, point: NDArray[np.float64], away: tuple[float, float], size: float
) -> None:
    far = hypot(*away) > 3.0 * _GAP
    line = {"arrowstyle": "-", "color": "0.45", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 3}
    axes.annotate(
        words,
        (float(point[0]), float(point[1])),
        xytext=away,
        textcoords="offset points",
        fontsize=size,
        color="0.1",
        ha="center",
        va="center",
        zorder=4,
        parse_math=False,
        arrowprops=line if far else None,
        bbox={"boxstyle": "square,pad=0.05", "facecolor": (1, 1, 1, 0.7), "edgecolor": "none"},
    )


def _measure(axes: Axes, words: str, size: float) -> tuple[float, float]:
    """Width and height in pixels."""
    drawn: Text = axes.text(0, 0, words, fontsize=size, parse_math=False)
    box = drawn.get_window_extent()
    drawn.remove()
    return float(box.width), float(box.height)


def _steps(axes: Axes, pair: Pair, origin: NDArray[np.float64]) -> list[Box]:
    """The line of the front as thin boxes: better not written over."""
    corners = axes.transData.transform(pair.line(axes.get_xlim())) - origin
    boxes: list[Box] = []
    for (x, y), (next_x, next_y) in pairwise(corners):
        for ends in ((x, y, next_x, y), (next_x, y, next_x, next_y)):
            low_x, high_x = sorted((ends[0], ends[2]))
            low_y, high_y = sorted((ends[1], ends[3]))
            boxes.append((low_x - 1, low_y - 1, high_x + 1, high_y + 1))
    return boxes


def _around(points: NDArray[np.float64], half: float) -> Sequence[Box]:
    return [(x - half, y - half, x + half, y + half) for x, y in points]


def _box(centre: tuple[float, float], size: tuple[float, float]) -> Box:
    x, y, half_width, half_height = *centre, size[0] / 2, size[1] / 2
    return x - half_width, y - half_height, x + half_width, y + half_height


def _overlap(one: Box, other: Box) -> bool:
    apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
    return not apart
