"""Accuracy against cost: two panels, the fronts as steps, one colour and marker per arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure

from reports.comparison.arm import Arm
from reports.comparison.cost_notes import format_threads, join_distinct
from reports.comparison.notes import RECONSTRUCTED
from reports.comparison.summary import Summary
from reports.comparison.table import arm_label
from reports.figures.canvas import (
    colour,
    marker,
    new_figure,
    scale_axis,
    style_axes,
    write_texts,
)
from reports.figures.labels import draw_labels, stairs
from reports.figures.texts import short_labels
from reports.figures.ticks import separate_ticks


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


def pareto_figure(summary: Summary) -> Figure:
    """Draw test accuracy in % against latency in ms and against MACs in M.

    Arms without accuracy are named below the panels. No global state of matplotlib is used.

    Raises:
        ValueError: no arm has an accuracy.
    """
    if not summary.has_accuracy:
        raise ValueError("the figure needs at least one arm with an accuracy")
    drawn = new_figure(11, 5.6)
    drawn.subplots_adjust(left=0.068, right=0.98, top=0.87, bottom=0.255, wspace=0.07)
    left, right = drawn.subplots(1, 2, sharey=True)
    left.set_ylabel("Test accuracy (%)")
    left.set_xlabel("Latency (ms, batch 1)")
    right.set_xlabel("MACs (M)")
    write_texts(
        drawn, summary.title, summary.dataset, _caption(summary), left=0.068, top=0.145, lines=5
    )
    _scale_accuracy(left, summary.arms)
    _draw_panel(left, _points(summary.arms, latency=True))
    _draw_panel(right, _points(summary.arms, latency=False))
    separate_ticks(drawn)
    return drawn


def _draw_panel(axes: Axes, points: Sequence[ArmPoint]) -> None:
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


def _points(arms: Sequence[Arm], *, latency: bool) -> list[ArmPoint]:
    """The arms of one panel; `style` is the index among all arms, the same in both panels."""
    points = []
    labels = short_labels([arm_label(arm) for arm in arms])
    for style, arm in enumerate(arms):
        cost = arm.latency_ms_median if latency else arm.macs
        if arm.test_accuracy_mean is None or cost is None:
            continue
        low, high = _spread(arm)
        q1, q3 = (arm.latency_ms_q1 or cost, arm.latency_ms_q3 or cost)
        points.append(
            ArmPoint(
                label=labels[style] + ("" if latency else arm.macs_mark),
                style=style,
                x=cost if latency else cost / 1e6,
                y=100 * arm.test_accuracy_mean,
                x_bar=(max(0.0, cost - q1), max(0.0, q3 - cost)) if latency else (0.0, 0.0),
                y_bar=(100 * low, 100 * high),
                on_front=arm.on_latency_front if latency else arm.on_macs_front,
            )
        )
    return points


def _spread(arm: Arm) -> tuple[float, float]:
    """Length of the accuracy bar down and up: one sd over seeds, or the Wilson interval of one."""
    mean = arm.test_accuracy_mean or 0.0
    if arm.test_accuracy_sd is not None:
        return arm.test_accuracy_sd, arm.test_accuracy_sd
    low, high = arm.test_accuracy_low, arm.test_accuracy_high
    return (0.0 if low is None else mean - low), (0.0 if high is None else high - mean)


def _scale_accuracy(axes: Axes, arms: Sequence[Arm]) -> None:
    tested = [arm for arm in arms if arm.test_accuracy_mean is not None]
    means = [100 * (arm.test_accuracy_mean or 0.0) for arm in tested]
    spreads = [_spread(arm) for arm in tested]
    low = min(mean - 100 * down for mean, (down, _) in zip(means, spreads, strict=True))
    high = max(mean + 100 * up for mean, (_, up) in zip(means, spreads, strict=True))
    scale_axis(axes, "y", low, high, log_from=inf, margin=0.08)


def _caption(summary: Summary) -> str:
    arms = summary.arms
    timed = [arm for arm in arms if arm.latency_rounds is not None]
    parts = ["Steps: arms that no other arm beats on both axes."]
    if not summary.ranked:
        parts.append("Latencies were measured under different conditions: no steps.")
    if timed:
        parts.append(
            f"Latency: median of {join_distinct(arm.latency_rounds for arm in timed)} interleaved "
            f"rounds, {format_threads(arm.latency_threads for arm in timed)}; "
            "bar: inter-quartile range."
        )
    kinds = {arm.test_accuracy_interval for arm in arms}
    bars = ["± 1 sd over seeds"] * ("student_t" in kinds)
    bars += ["Wilson 95 % interval of the test images (one seed)"] * ("wilson" in kinds)
    parts.append(f"Accuracy bar: {', or '.join(bars)}.")
    parts.append("MACs: multiply-accumulates of matrix products, convolutions, attention products.")
    if any(arm.macs_uncounted for arm in arms):
        parts.append("‡ lower bound: not on a step.")
    if any(arm.macs_range for arm in arms):
        parts.append("§ depends on the input: not on a step.")
    if any(arm.reconstructed for arm in arms):
        parts.append(f"{RECONSTRUCTED}.")
    names = [arm_label(arm) for arm in arms]
    if short_labels(names) != names:
        parts.append("Names with … or [U+ are complete in the table.")
    without = short_labels([arm.arm for arm in arms if arm.test_accuracy_mean is None])
    if without:
        parts.append(f"Not drawn, no accuracy: {', '.join(without)}.")
    return " ".join(parts)
