"""The trials of a sweep to one summary: what every table and figure of it is drawn from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reports.comparison.arm import Row
from reports.statistics.fronts import (
    as_losses,
    hypervolume,
    ideal_point,
    nondominated,
    reference_point,
)
from reports.sweep.objective import Objective, directions, objectives_of

STATES = ("finished", "pruned", "failed")


@dataclass(frozen=True)
class SweepFront:
    """The front of a sweep and what it is measured by."""

    rows: tuple[Row, ...]
    """By the first cost, best first; equal ones by the other objectives, then by trial."""
    points: NDArray[np.float64]
    """(n, m): the objectives of `rows`, in the units of the rows."""
    everything: NDArray[np.float64]
    """(k, m): all finished trials that have every objective, in the order of their ends."""
    reference: NDArray[np.float64]
    ideal: NDArray[np.float64]
    hypervolume: float


@dataclass(frozen=True)
class SweepSummary:
    """A sweep in the order of the ends of its trials; `front` is None where nothing has a place."""

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

    @property
    def directions(self) -> list[str]:
        """Of the objectives."""
        return directions(self.objectives)


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
    """Put trials in order, count them and find the front; arguments as in `reports.publish`.

    Raises:
        ValueError: the objectives are not such.
    """
    goals = objectives_of(objectives)
    ordered = tuple(sorted(rows, key=lambda row: row["trial"]))
    ended = {state: sum(row["state"] == state for row in ordered) for state in STATES}
    others = {key: count for key, count in (counts or {}).items() if key not in STATES}
    return SweepSummary(
        title=title,
        objectives=goals,
        rows=ordered,
        dimensions=tuple(dict.fromkeys(name for row in ordered for name in row["values"] or ())),
        counts=ended | others,
        front=_front(ordered, goals),
        dataset_note=dataset_note,
        sampler=sampler,
        latency_note=latency_note,
    )


def placed(rows: Iterable[Row], objectives: Sequence[Objective]) -> list[tuple[Row, list[float]]]:
    """The finished rows that have a value of every objective, with those values."""
    found = []
    for row in rows:
        values = [each.value(row) for each in objectives]
        known = [value for value in values if value is not None]
        if row["state"] == "finished" and len(known) == len(values):
            found.append((row, known))
    return found


def text(value: Any) -> str:
    """A value as canonical JSON, so that True differs from 1 and lists compare."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=_bare)


def _bare(value: Any) -> Any:
    """Scalars of numpy as Python's; anything stranger as its words."""
    return value.item() if hasattr(value, "item") else str(value)


def _front(rows: Sequence[Row], objectives: Sequence[Objective]) -> SweepFront | None:
    found = placed(rows, objectives)
    if not found:
        return None
    ways = directions(objectives)
    points = np.array([values for _, values in found])
    losses = as_losses(points, ways)
    # The first cost leads the order, then the objectives as given; the sort is stable.
    first = next((n for n, each in enumerate(objectives) if not each.maximize), 0)
    columns = [first, *(n for n in range(len(objectives)) if n != first)]
    order = np.lexsort([losses[:, n] for n in reversed(columns)])
    mask = nondominated(points, ways)
    chosen = [int(index) for index in order if mask[index]]
    worst, best = reference_point(points, ways), ideal_point(points, ways)
    return SweepFront(
        rows=tuple(found[index][0] for index in chosen),
        points=points[chosen],
        everything=points,
        reference=worst,
        ideal=best,
        hypervolume=hypervolume(points[chosen], ways, worst, best),
    )
