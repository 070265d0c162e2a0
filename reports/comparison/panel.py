"""One panel of the figure: points with bars, the front, and a name at every point."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from reports.figures.names import draw_names
from reports.figures.palette import colour, marker
from reports.figures.point import Point


def draw(axes: Axes, points: Sequence[Point]) -> None:
    """Draw all points of one panel; the limits of the y axis must be final already."""
    axes.grid(color="0.92", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    if not points:
        axes.text(0.5, 0.5, "not measured", ha="center", color="0.5", transform=axes.transAxes)
        axes.set_xticks([])
        return
    _scale(axes, points)
    for point in points:
        _draw_point(axes, point)
    _draw_front(axes, [point for point in points if point.on_front])
    draw_names(axes, points)


def _scale(axes: Axes, points: Sequence[Point]) -> None:
    """Logarithmic where costs span a factor of five: cheap arms would share one spot."""
    low = min(point.x - point.x_bar[0] for point in points)
    high = max(point.x + point.x_bar[1] for point in points)
    if low > 0 and high > 5 * low:
        margin = (high / low) ** 0.09
        axes.set_xscale("log")
        axes.set_xlim(low / margin, high * margin)
        axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.xaxis.set_minor_formatter(NullFormatter())
        return
    margin = max(0.09 * (high - low), 0.02 * high)
    axes.set_xlim(low - margin, high + margin)


def _draw_point(axes: Axes, point: Point) -> None:
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


def _draw_front(axes: Axes, front: Sequence[Point]) -> None:
    """A step: between two arms of the front, the cheaper one is the best that money buys.

    Costs that must not be ranked have no front.
    """
    if not front:
        return
    ordered = sorted(front, key=lambda point: (point.x, point.y))
    right = axes.get_xlim()[1]
    xs = [*(point.x for point in ordered), right]
    ys = [*(point.y for point in ordered), ordered[-1].y]
    axes.step(xs, ys, where="post", color="0.55", linewidth=1.1, zorder=1)
