"""The fronts of a comparison: which arms are on them, and how probably."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import log

import numpy as np

from reports.comparison.arm import Arm
from reports.statistics.fronts import nondominated
from reports.statistics.noisy_fronts import draw_values, front_probabilities, number_of_draws

_DIRECTIONS = ("maximize", "minimize")


def flag_fronts(arms: Sequence[Arm], *, ranked: bool) -> list[Arm]:
    """Mark the arms on the accuracy-latency and on the accuracy-MACs front.

    A mark is by the estimates. The probability beside it is the share of draws, from the 95 %
    intervals of accuracies and ratios of latency, in which the arm is on the front of all arms.
    """
    latencies = [arm.latency_ms_median if ranked else None for arm in arms]
    macs = [arm.exact_macs for arm in arms]
    by_latency, by_macs = _on_front(arms, latencies), _on_front(arms, macs)
    latency_shares, macs_shares = _shares(arms, latencies), _shares(arms, macs)
    return [
        replace(
            arm,
            on_latency_front=index in by_latency,
            on_macs_front=index in by_macs,
            latency_front_probability=latency_shares.get(index),
            macs_front_probability=macs_shares.get(index),
        )
        for index, arm in enumerate(arms)
    ]


def _ranked(arms: Sequence[Arm], costs: Sequence[float | None]) -> dict[int, float]:
    """The costs of the arms that have an accuracy and a cost, by index."""
    return {
        index: cost
        for index, (arm, cost) in enumerate(zip(arms, costs, strict=True))
        if arm.test_accuracy_mean is not None and cost is not None
    }


def _on_front(arms: Sequence[Arm], costs: Sequence[float | None]) -> set[int]:
    """Indices of the arms on one front; an arm without accuracy or cost is on none."""
    ranked = _ranked(arms, costs)
    points = [(arms[index].test_accuracy_mean or 0.0, cost) for index, cost in ranked.items()]
    mask = nondominated(points, _DIRECTIONS)
    return {index for index, on_front in zip(ranked, mask, strict=True) if on_front}


def _shares(arms: Sequence[Arm], costs: Sequence[float | None]) -> dict[int, float]:
    """Of each ranked arm the probability of being on the front; empty below two arms."""
    ranked = _ranked(arms, costs)
    if len(ranked) < 2:
        return {}
    members = [arms[index] for index in ranked]
    draws = number_of_draws(len(members))
    accuracies = draw_values(
        [arm.test_accuracy_mean or 0.0 for arm in members],
        [arm.test_accuracy_low or 0.0 for arm in members],
        [arm.test_accuracy_high or 0.0 for arm in members],
        draws,
        seed=0,
    )
    logs = [log(max(cost, 1e-300)) for cost in ranked.values()]
    lows, highs = zip(*map(_log_error, members), strict=True)
    exact = any(isinstance(cost, int) for cost in ranked.values())  # counts have no noise
    zeros = np.zeros(len(logs))
    drawn = draw_values(
        logs,
        logs + (zeros if exact else np.array(lows)),
        logs + (zeros if exact else np.array(highs)),
        draws,
        seed=1,
    )
    # Accuracies are at most 1, where draws of a wide interval would go beyond.
    points = np.stack([accuracies.clip(0, 1), drawn], axis=2)
    return dict(zip(ranked, front_probabilities(points, _DIRECTIONS).tolist(), strict=True))


def _log_error(arm: Arm) -> tuple[float, float]:
    """Ends of the interval of the ratio of latencies below and above its estimate, as logarithms.

    The baseline, to which all ratios are, has none: what its timing varies is in the others'.
    """
    ratio, low, high = arm.latency_ratio, arm.latency_ratio_low, arm.latency_ratio_high
    if not ratio or not low or not high:
        return 0.0, 0.0
    return log(low / ratio), log(high / ratio)
