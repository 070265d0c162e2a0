"""Accuracy against cost: two panels, the fronts as steps, one colour and marker per arm."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from reports.comparison.arm import Arm
from reports.comparison.caveats import several
from reports.comparison.cost_notes import threads
from reports.comparison.notes import RECONSTRUCTED
from reports.comparison.panel import ArmPoint, draw
from reports.comparison.summary import Summary
from reports.figures.canvas import new_figure, scale_axis, write_texts


def figure(summary: Summary) -> Figure:
    """Draw test accuracy in % against latency in ms and against MACs in M.

    Arms without accuracy are named below the panels. No global state of matplotlib is used.

    Raises:
        ValueError: no arm has an accuracy.
    """
    if not summary.has_accuracy:
        raise ValueError("a front needs an arm with an accuracy")
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
    draw(left, _points(summary.arms, latency=True))
    draw(right, _points(summary.arms, latency=False))
    return drawn


def _points(arms: Sequence[Arm], *, latency: bool) -> list[ArmPoint]:
    """The arms of one panel; `style` is the place among all arms, the same in both panels."""
    points = []
    for style, each in enumerate(arms):
        cost = each.latency_ms_median if latency else each.macs
        if each.test_accuracy_mean is None or cost is None:
            continue
        low, high = _spread(each)
        q1, q3 = (each.latency_ms_q1 or cost, each.latency_ms_q3 or cost)
        points.append(
            ArmPoint(
                label=_label(each, bound=not latency and bool(each.macs_uncounted)),
                style=style,
                x=cost if latency else cost / 1e6,
                y=100 * each.test_accuracy_mean,
                x_bar=(max(0.0, cost - q1), max(0.0, q3 - cost)) if latency else (0.0, 0.0),
                y_bar=(100 * low, 100 * high),
                on_front=each.on_latency_front if latency else each.on_macs_front,
            )
        )
    return points


def _label(each: Arm, *, bound: bool) -> str:
    return " ".join(each.arm.split()) + "†" * each.reconstructed + "‡" * bound


def _spread(each: Arm) -> tuple[float, float]:
    """Length of the accuracy bar down and up: one sd over seeds, or the Wilson interval of one."""
    mean = each.test_accuracy_mean or 0.0
    if each.test_accuracy_sd is not None:
        return each.test_accuracy_sd, each.test_accuracy_sd
    low, high = each.test_accuracy_low, each.test_accuracy_high
    return (0.0 if low is None else mean - low), (0.0 if high is None else high - mean)


def _scale_accuracy(axes: Axes, arms: Sequence[Arm]) -> None:
    known = [each for each in arms if each.test_accuracy_mean is not None]
    means = [100 * (each.test_accuracy_mean or 0.0) for each in known]
    spreads = [_spread(each) for each in known]
    low = min(mean - 100 * down for mean, (down, _) in zip(means, spreads, strict=True))
    high = max(mean + 100 * up for mean, (_, up) in zip(means, spreads, strict=True))
    scale_axis(axes, "y", low, high, log_from=inf, margin=0.08)


def _caption(summary: Summary) -> str:
    arms = summary.arms
    timed = [each for each in arms if each.latency_rounds is not None]
    said = ["Steps: arms no other arm beats on both axes."]
    if not summary.ranked:
        said.append("Latencies were not taken under equal conditions: no steps among them.")
    if timed:
        said.append(
            f"Latency: median of {several(each.latency_rounds for each in timed)} interleaved "
            f"rounds, {threads(each.latency_threads for each in timed)}; bar: inter-quartile range."
        )
    kinds = {each.test_accuracy_interval for each in arms}
    bars = ["± 1 sd over seeds"] * ("student_t" in kinds)
    bars += ["Wilson 95 % interval of the test images (one seed)"] * ("wilson" in kinds)
    said.append(f"Accuracy bar: {', or '.join(bars)}.")
    said.append("MACs: multiply-accumulates of matrix products, convolutions, attention products.")
    if any(each.macs_uncounted for each in arms):
        said.append("‡ lower bound: on no step.")
    if any(each.reconstructed for each in arms):
        said.append(f"{RECONSTRUCTED}.")
    absent = [each.arm for each in arms if each.test_accuracy_mean is None]
    if absent:
        said.append(f"Not drawn, no accuracy: {', '.join(absent)}.")
    return " ".join(said)
