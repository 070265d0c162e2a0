"""One panel of the figure: points with bars, the front, and a label at every point."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba

from reports.figures.canvas import colour, marker, scale_axis, style_axes
from reports.figures.labels import draw_labels, stairs


@dataclass(frozen=True)
class ArmPoint:
    """One arm in one panel; x and y in the panel's units, bars as lengths (down, up)."""

    label: str
    style: int
    x: float
    y: float
    x_bar: tuple[float, float]
    y_bar: tuple[float, float]
    on_front: bool


def draw_panel(axes: Axes, points: Sequence[ArmPoint]) -> None:
    """Draw all points of one panel; the limits of the y axis must be final already."""
    style_axes(axes)
    if not points:
        axes.text(0.5, 0.5, "not measured", ha="center", color="0.5", transform=axes.transAxes)
        axes.set_xticks([])
        return
    low = min(point.x - point.x_bar[0] for point in points)
    high = max(point.x + point.x_bar[1] for point in points)
    # Cheap arms would share one spot of a linear axis.
    scale_axis(axes, "x", low, high, log_from=5, margin=0.09)
    lines = []
    for point in points:
        _draw_point(axes, point)
        (left, right), (down, up) = point.x_bar, point.y_bar
        lines.append(np.array([(point.x, point.y - down), (point.x, point.y + up)]))
        lines.append(np.array([(point.x - left, point.y), (point.x + right, point.y)]))
    front = sorted((point.x, point.y) for point in points if point.on_front)
    if front:
        # Between two arms of the front, the cheaper one is the best at that cost. Costs that
        # must not be ranked have no front.
        steps = stairs([*front, (axes.get_xlim()[1], front[-1][1])])
        axes.plot(*steps.T, color="0.55", linewidth=1.1, zorder=1)
        lines.append(steps)
    draw_labels(
        axes,
        [point.label for point in points],
        [(point.x, point.y) for point in points],
        fontsize=8.5 if len(points) <= 12 else 7.5,
        lines=lines,
    )


def _draw_point(axes: Axes, point: ArmPoint) -> None:
    axes.errorbar(
        [point.x],
        [point.y],
        xerr=[[point.x_bar[0]], [point.x_bar[1]]],
        yerr=[[point.y_bar[0]], [point.y_bar[1]]],
        fmt=marker(point.style),
        color=colour(point.style),
        markersize=7.5 if point.on_front else 6.5,
        markeredgecolor="white",
        markeredgewidth=0.6,
        ecolor=to_rgba(colour(point.style), 0.45),
        elinewidth=1.0,
        capsize=0,
        zorder=3,
    )
