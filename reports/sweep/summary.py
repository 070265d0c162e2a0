"""Summarise the trials of a sweep: the source of all its tables and figures."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.statistics import as_losses, hypervolume, nondominated, reference_and_ideal
from reports.statistics.intervals import Interval
from reports.sweep.drift import without_drift
from reports.sweep.noise import draw_points, front_noise
from reports.sweep.objective import Objective, parse_objectives
from reports.tables.records import Row

STATES = ("finished", "pruned", "failed")


@dataclass(frozen=True)
class SweepFront:
    """The front of a sweep and its hypervolume."""

    rows: tuple[Row, ...]
    """By the first cost, best first; equal ones by the other objectives, then by trial."""
    points: NDArray[np.float64]
    """(n, m): the objectives of `rows`, in the units of the rows."""
    all_points: NDArray[np.float64]
    """(k, m): all finished trials that have every objective, in the order of their ends."""
    reference: NDArray[np.float64]
    ideal: NDArray[np.float64]
    hypervolume: float
    hypervolume_interval: Interval
    """95 %, over what the noise of accuracies and latencies leaves possible."""
    probabilities: NDArray[np.float64]
    """(n,): of being on the front, given that noise."""


@dataclass(frozen=True)
class SweepSummary:
    """A sweep in the order of the ends of its trials; `front` is None if no trial is on one."""

    title: str
    objectives: tuple[Objective, ...]
    rows: tuple[Row, ...] = field(repr=False)
    dimensions: tuple[str, ...]
    """All that were active in any trial, in order of first appearance."""
    counts: Mapping[str, int]
    """Of trials: finished, pruned, failed, then what else the caller counted."""
    front: SweepFront | None = field(repr=False)
    dataset_note: str = ""
    sampler: str = ""
    latency_note: str = ""
    reference_ms: float | None = None
    """The median of the reference network that trials were timed with; None without one."""

    @property
    def directions(self) -> list[str]:
        """Of the objectives, as `reports.statistics` takes them."""
        return [objective.direction for objective in self.objectives]


def summarise_sweep(
    rows: Sequence[Row],
    *,
    objectives: Mapping[str, str],
    title: str = "Sweep",
    counts: Mapping[str, int] | None = None,
    dataset_note: str = "",
    sampler: str = "",
    latency_note: str = "",
) -> SweepSummary:
    """Sort and count the trials, take the drift out of their latencies, and compute the front.

    Args:
        rows: as `Record.flat` makes them, each with `trial` (int, in the order of their ends) and
            `values` (dimension to value, active ones only). Only finished ones can be on the front.
        objectives: 1 to 4 names of `reports.sweep.objective` to "maximize" or "minimize"; the first
            is the y axis of every panel.
        title: of tables and figure.
        counts: of trials that are no rows, as {"duplicate": 5, "infeasible": 1}.
        dataset_note: describes the data; default: the rows' own notes.
        sampler: describes what proposed the architectures.
        latency_note: describes how latencies were obtained; default: measured in each trial next to
            a reference network, if the rows have threads.

    Raises:
        ValueError: an objective or its direction is unknown.
    """
    parsed = parse_objectives(objectives)
    rows, reference_ms = without_drift(rows)
    ordered = tuple(sorted(rows, key=lambda row: row["trial"]))
    by_state = {state: sum(row["state"] == state for row in ordered) for state in STATES}
    others = {key: count for key, count in (counts or {}).items() if key not in STATES}
    return SweepSummary(
        title=title,
        objectives=parsed,
        rows=ordered,
        dimensions=tuple(dict.fromkeys(name for row in ordered for name in row["values"] or ())),
        counts=by_state | others,
        front=_front(ordered, parsed),
        dataset_note=dataset_note,
        sampler=sampler,
        latency_note=latency_note,
        reference_ms=reference_ms,
    )


def rankable(rows: Iterable[Row], objectives: Sequence[Objective]) -> list[tuple[Row, list[float]]]:
    """The finished rows that have a value of every objective, with those values."""
    pairs = []
    for row in rows:
        values = [objective.value(row) for objective in objectives]
        present = [value for value in values if value is not None]
        if row["state"] == "finished" and len(present) == len(values):
            pairs.append((row, present))
    return pairs


def canonical_json(value: Any) -> str:
    """A value as canonical JSON, so that True differs from 1 and lists compare."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_plain)


def _plain(value: Any) -> Any:
    """Scalars of numpy as Python's; any other type as text."""
    return value.item() if hasattr(value, "item") else str(value)


def _front(rows: Sequence[Row], objectives: Sequence[Objective]) -> SweepFront | None:
    ranked = rankable(rows, objectives)
    if not ranked:
        return None
    directions = [objective.direction for objective in objectives]
    points = np.array([values for _, values in ranked])
    losses = as_losses(points, directions)
    # The first cost leads the order, then the other objectives in their order; the sort is stable.
    first = next((n for n, objective in enumerate(objectives) if not objective.maximize), 0)
    columns = [first, *(n for n in range(len(objectives)) if n != first)]
    order = np.lexsort([losses[:, n] for n in reversed(columns)])
    mask = nondominated(points, directions)
    indices = [int(index) for index in order if mask[index]]
    reference, ideal = reference_and_ideal(points, directions)
    draws = draw_points([row for row, _ in ranked], points, objectives)
    probabilities, interval = front_noise(draws, indices, directions, reference, ideal)
    return SweepFront(
        rows=tuple(ranked[index][0] for index in indices),
        points=points[indices],
        all_points=points,
        reference=reference,
        ideal=ideal,
        hypervolume=hypervolume(points[indices], directions, reference, ideal),
        hypervolume_interval=interval,
        probabilities=probabilities,
    )
