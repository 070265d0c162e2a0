"""The names beside the points of a panel, drawn where `labels.place` finds room."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import hypot
from typing import cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.text import Annotation
from numpy.typing import NDArray

from reports.figures.labels import Box, place
from reports.figures.point import Point

_GAP = 6.0
"""From a marker's centre to its name, in points of 1/72 inch."""


def draw_names(axes: Axes, points: Sequence[Point]) -> None:
    """Write each point's name; a thin line leads to those that had to move away.

    Limits and scales must be final. Room is measured in pixels of the attached canvas and kept as
    an offset in points, so it holds at every resolution.
    """
    figure = axes.figure.get_figure(root=True)
    assert figure is not None
    size = 8.5 if len(points) <= 12 else 7.5
    pixel = figure.dpi / 72
    corner = axes.transAxes.transform((0, 0))
    centres = [axes.transData.transform((point.x, point.y)) - corner for point in points]
    sizes = [_measure(axes, point.label, size) for point in points]
    chosen = place(
        [(float(x), float(y)) for x, y in centres],
        sizes,
        frame=cast("tuple[float, float]", tuple(axes.transAxes.transform((1, 1)) - corner)),
        gap=_GAP * pixel,
        obstacles=_lines(axes, points, corner),
    )
    for point, centre, target, (width, height) in zip(points, centres, chosen, sizes, strict=True):
        away_x, away_y = target[0] - centre[0], target[1] - centre[1]
        free = hypot(max(0.0, abs(away_x) - width / 2), max(0.0, abs(away_y) - height / 2))
        text = _annotate(axes, point, (away_x / pixel, away_y / pixel), size)
        if text.arrow_patch is not None:
            text.arrow_patch.set_visible(free > 1.4 * _GAP * pixel)


def _annotate(axes: Axes, point: Point, offset: tuple[float, float], size: float) -> Annotation:
    line = {"arrowstyle": "-", "color": "0.6", "linewidth": 0.5, "shrinkA": 0, "shrinkB": 4}
    return axes.annotate(
        point.label,
        (point.x, point.y),
        xytext=offset,
        textcoords="offset points",
        fontsize=size,
        color="0.15",
        ha="center",
        va="center",
        zorder=4,
        parse_math=False,
        arrowprops=line,
        bbox={"boxstyle": "square,pad=0.05", "facecolor": (1, 1, 1, 0.6), "edgecolor": "none"},
    )


def _measure(axes: Axes, label: str, size: float) -> tuple[float, float]:
    """Width and height in pixels."""
    text = axes.text(0, 0, label, fontsize=size, parse_math=False)
    box = text.get_window_extent()
    text.remove()
    return float(box.width), float(box.height)


def _lines(axes: Axes, points: Sequence[Point], corner: NDArray[np.float64]) -> list[Box]:
    """Error bars and the steps of the front as thin boxes in pixels: better not written over."""
    ends = []
    for point in points:
        (left, right), (down, up) = point.x_bar, point.y_bar
        ends.append((point.x, point.y - down, point.x, point.y + up))
        ends.append((point.x - left, point.y, point.x + right, point.y))
    front = sorted((point.x, point.y) for point in points if point.on_front)
    if front:
        front.append((axes.get_xlim()[1], front[-1][1]))
    for (x, y), (next_x, next_y) in pairwise(front):
        ends += [(x, y, next_x, y), (next_x, y, next_x, next_y)]
    boxes = []
    for x0, y0, x1, y1 in ends:
        low, high = axes.transData.transform([(x0, y0), (x1, y1)]) - corner
        boxes.append((low[0] - 1.0, low[1] - 1.0, high[0] + 1.0, high[1] + 1.0))
    return boxes
