"""How noisy the objectives of a sweep are, and so its front and its hypervolume."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import numpy as np

from reports.statistics.intervals import Array, Interval
from reports.statistics.noisy_fronts import (
    front_probabilities,
    hypervolume_interval,
    number_of_draws,
)
from reports.sweep.objective import Objective, finite_number
from reports.tables.records import Row

_IQR_OF_NORMAL = 1.349
_MEDIAN_EFFICIENCY = 1.2533
"""Standard error of a median over that of a mean, for normal samples."""


def draw_points(
    rows: Sequence[Row], points: Array, objectives: Sequence[Objective], *, seed: int = 0
) -> Array:
    """Objectives of trials as their noise leaves them possible.

    An accuracy varies with the images of the validation split, a latency with its rounds and with
    those of the reference; MACs, parameters and memory do not vary.

    Args:
        rows: n trials.
        points: (n, m), their objectives.
        objectives: m.
        seed: of the random numbers; equal seeds give equal draws.

    Returns:
        (k, n, m).
    """
    draws = number_of_draws(len(rows))
    random = np.random.default_rng(seed)
    drawn = np.broadcast_to(points, (draws, *points.shape)).copy()
    for column, objective in enumerate(objectives):
        values = points[:, column]
        noise = random.standard_normal((draws, len(rows)))
        if objective.name == "val_accuracy":
            errors = np.array(
                [_accuracy_error(row, v) for row, v in zip(rows, values, strict=True)]
            )
            drawn[:, :, column] = np.clip(values + errors * noise, 0.0, 1.0)
        elif objective.name in ("latency_ms", "latency_ratio"):
            errors = np.array([_relative_latency_error(row) for row in rows])
            drawn[:, :, column] = values * np.exp(errors * noise)
    return drawn


def front_noise(
    draws: Array, on_front: Sequence[int], directions: Sequence[str], reference: Array, ideal: Array
) -> tuple[Array, Interval]:
    """How probably each point of the front is on it, and the interval of the hypervolume."""
    probabilities = front_probabilities(draws, directions)[list(on_front)]
    return probabilities, hypervolume_interval(draws, directions, reference, ideal)


def _accuracy_error(row: Row, accuracy: float) -> float:
    """Standard error of an accuracy on a finite split; 0 where its size is unknown."""
    images = finite_number(row.get("val_images"))
    return sqrt(max(accuracy * (1 - accuracy), 0.0) / images) if images else 0.0


def _relative_latency_error(row: Row) -> float:
    """Standard error of the logarithm of a ratio of two medians; 0 where it is unknown."""
    iqr, middle = finite_number(row.get("latency_ms_iqr")), finite_number(row.get("latency_ms_raw"))
    middle = middle or finite_number(row.get("latency_ms_median"))
    rounds = len(row.get("latency_ms_samples") or ())
    if not iqr or not middle or not rounds:
        return 0.0
    error = _MEDIAN_EFFICIENCY * iqr / _IQR_OF_NORMAL / middle / sqrt(rounds)
    return sqrt(2) * error
