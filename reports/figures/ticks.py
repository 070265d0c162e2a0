"""Ticks of axes: few enough that no two labels of an axis overlap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, Locator, LogLocator, MaxNLocator, NullFormatter
from matplotlib.transforms import BboxBase

_AIR = 2.0
"""Between two labels, in pixels."""


def mark_decades(axis: Axis, low: float, high: float) -> None:
    """Ticks of a logarithmic axis: at 1, 2 and 5 of each decade where these are few, else at 1."""
    axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 500 * low else (1,)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def separate_ticks(figure: Figure) -> None:
    """Thin out the ticks of each axis whose labels overlap; limits and sizes must be final."""
    figure.draw_without_rendering()
    for axes in figure.axes:
        for axis in (axes.xaxis, axes.yaxis):
            fewer = _fewer(axis.get_scale() == "log")
            while _overlap(_boxes(axis)):
                locator = next(fewer, None)
                if locator is None:
                    break
                axis.set_major_locator(locator)


def _fewer(logarithmic: bool) -> Iterator[Locator]:
    """Locators with fewer and fewer ticks."""
    if logarithmic:
        yield LogLocator(subs=(1,))
        for count in (6, 4, 3, 2):
            yield LogLocator(subs=(1,), numticks=count)
    yield from (MaxNLocator(count) for count in (6, 5, 4, 3, 2, 1))


def _boxes(axis: Axis) -> list[BboxBase]:
    """Extents of the labels of an axis that are visible and within its limits."""
    low, high = sorted(axis.get_view_interval())
    labels = [
        tick.label1
        for tick in axis.get_major_ticks()
        if low <= tick.get_loc() <= high and tick.label1.get_visible()
    ]
    return [label.get_window_extent() for label in labels if label.get_text()]


def _overlap(boxes: Sequence[BboxBase]) -> bool:
    padded = [box.padded(_AIR / 2) for box in boxes]
    return any(one.overlaps(two) for one, two in combinations(padded, 2))
