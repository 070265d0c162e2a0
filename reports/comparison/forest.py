"""The forest plot: the effect of each arm on accuracy and latency, with 95 % intervals."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.comparison.arm import Arm
from reports.comparison.summary import Summary
from reports.comparison.table import arm_label
from reports.figures.canvas import colour, new_figure, style_axes, write_texts
from reports.figures.texts import font_of, short_labels
from reports.figures.ticks import separate_ticks

_BETTER, _WORSE, _UNDECIDED = colour(2), colour(1), "0.45"
_LONGEST_NAME = 34
_NOTE = (
    "Points: mean over seeds of the difference to the first arm, paired by seed, and median ratio "
    "of latencies. Bars: 95 % intervals. Filled: separable from the line after Holm's correction "
    "(accuracy), or by its interval (latency)."
)


def forest_figure(summary: Summary) -> Figure:
    """Draw the paired effect of every arm on the accuracy, and its latency ratio beside it.

    Raises:
        ValueError: no arm has an effect.
    """
    arms = [arm for arm in summary.arms if arm.accuracy_effect is not None]
    if not arms:
        raise ValueError("the figure needs at least one arm with an effect")
    height = 2.3 + 0.28 * len(arms)
    figure = new_figure(11, height)
    bottom, top = 1.25 / height, 1 - 0.75 / height
    figure.subplots_adjust(left=0.29, right=0.98, top=top, bottom=bottom, wspace=0.06)
    left, right = figure.subplots(1, 2, sharey=True)
    texts = short_labels([arm_label(arm) for arm in arms], _LONGEST_NAME)
    left.set_yticks(range(len(arms)), texts)
    for tick, text in zip(left.get_yticklabels(), texts, strict=True):
        tick.set(**font_of(text), parse_math=False)
    left.set_ylim(len(arms) - 0.4, -0.6)
    left.set_xlabel("Difference of test accuracy (points)")
    right.set_xlabel("Ratio of latency")
    right.tick_params(left=False)
    _draw(left, arms, 0.0, [_effect(arm) for arm in arms], higher_is_better=True)
    _draw(right, arms, 1.0, [_ratio(arm) for arm in arms], higher_is_better=False)
    write_texts(figure, summary.title, summary.dataset, _NOTE, left=0.02, top=0.6 / height, lines=3)
    separate_ticks(figure)
    return figure


Bar = tuple[float, float, float, bool]
"""Estimate, low, high, and whether it is separable."""


def _effect(arm: Arm) -> Bar | None:
    effect, low, high = arm.accuracy_effect, arm.accuracy_effect_low, arm.accuracy_effect_high
    if effect is None or low is None or high is None:
        return None
    return 100 * effect, 100 * low, 100 * high, arm.accuracy_verdict in ("better", "worse")


def _ratio(arm: Arm) -> Bar | None:
    ratio, low, high = arm.latency_ratio, arm.latency_ratio_low, arm.latency_ratio_high
    if ratio is None or low is None or high is None:
        return None
    return ratio, low, high, arm.latency_verdict in ("faster", "slower")


def _draw(
    axes: Axes,
    arms: Sequence[Arm],
    neutral: float,
    bars: Sequence[Bar | None],
    *,
    higher_is_better: bool,
) -> None:
    style_axes(axes)
    axes.axvline(neutral, color="0.3", linewidth=0.9, zorder=1)
    for index, bar in enumerate(bars):
        if bar is None:
            axes.text(neutral, index, " not measured", va="center", color="0.5", fontsize=8)
            continue
        value, low, high, separable = bar
        better = (value > neutral) == higher_is_better
        shade = (_BETTER if better else _WORSE) if separable else _UNDECIDED
        axes.plot([low, high], [index, index], color=shade, linewidth=1.4, zorder=2)
        axes.plot(
            value,
            index,
            marker=("^" if value > neutral else "v") if separable else "o",
            color=shade,
            markerfacecolor=shade if separable else "white",
            markersize=6,
            zorder=3,
        )
