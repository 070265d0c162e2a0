"""Tick labels: no two of an axis overlap, whatever the values, and zero has a place."""

from __future__ import annotations

from itertools import combinations

import pytest

from reports.comparison.pareto import pareto_figure
from reports.comparison.summary import summarise
from reports.figures.canvas import new_figure, scale_axis
from reports.figures.ticks import separate_ticks
from reports.scaling.figure import scaling_figure
from tests.reports.rows import row
from tests.reports.scaling.test_scaling import row as scale_row

RANGES = [
    *[(0.0, 1e-9), (0.0, 7e8), (123456.7, 123456.9), (1.0, 1.0), (0.0, 0.0), (-5.0, 1e6)],
    *[(1e-7, 1e9), (1.0, 6.0), (0.999e6, 4.9e8), (1234.5, 99999.0), (3e-5, 2e-4), (5, 2600)],
]


def labels(axes):
    for axis in (axes.xaxis, axes.yaxis):
        low, high = sorted(axis.get_view_interval())
        ticks = [tick for tick in axis.get_major_ticks() if low <= tick.get_loc() <= high]
        yield [tick.label1 for tick in ticks if tick.label1.get_visible()]


def assert_apart(figure):
    figure.canvas.draw()
    for axes in figure.axes:
        for texts in labels(axes):
            boxes = [text.get_window_extent() for text in texts if text.get_text()]
            assert not [1 for one, two in combinations(boxes, 2) if one.overlaps(two)]


@pytest.mark.parametrize(("low", "high"), RANGES)
@pytest.mark.parametrize("width", [2.0, 11.0])
def test_labels_are_apart_on_every_range(low, high, width):
    figure = new_figure(width, 3)
    axes = figure.subplots()
    for which in ("x", "y"):
        scale_axis(axes, which, low, high, log_from=5, margin=0.09)
    separate_ticks(figure)
    assert_apart(figure)
    assert all(len(texts) >= 1 for texts in labels(axes))


@pytest.mark.parametrize("sides", [(7, 8), (7,), (7, 14, 28, 56, 96, 128), (1, 1000)])
@pytest.mark.parametrize("macs", [0, 1, 10**12])
def test_scaling_figures_have_labels_apart(sides, macs):
    rows = [scale_row("a" * 40, side, 1e-3 * side**2, macs * side) for side in sides]
    figure = scaling_figure(rows)
    assert_apart(figure)
    assert len(figure.legends[0].get_texts()[0].get_text()) <= 30


def test_mixers_without_macs_are_marked_at_the_edge():
    rows = [scale_row("none", side, 1.0, 0) for side in (7, 14)]
    rows += [scale_row("fwa", side, 1.0, side**2) for side in (7, 14)]
    latency, macs = scaling_figure(rows).axes
    (zero,) = [line for line in macs.lines if line.get_gid() == "zero"]
    assert list(zero.get_xdata()) == [49, 196] and not zero.get_clip_on()
    assert zero.get_transform() == macs.get_xaxis_transform()
    assert "0 MACs" in macs.get_xlabel() and "0 MACs" not in latency.get_xlabel()
    unknown = [scale_row("odd", side, 1.0, None) for side in (7, 14)]
    assert "0 MACs" not in scaling_figure(unknown).axes[1].get_xlabel()


@pytest.mark.parametrize("macs", [(0, 10**9), (0, 0), (10**3, 10**12)])
def test_pareto_figures_draw_zero(macs):
    rows = [row(f"arm {index}", macs=count) for index, count in enumerate(macs)]
    figure = pareto_figure(summarise(rows))
    assert_apart(figure)
    low, high = figure.axes[1].get_xlim()
    assert all(low <= count / 1e6 <= high for count in macs)
