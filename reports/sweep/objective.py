"""What a sweep optimises: each objective with its field in a row, its words and its unit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

from reports.comparison.arm import Row

MOST = 4
"""Objectives at a time: beyond, nearly every trial is on the front."""


@dataclass(frozen=True)
class Objective:
    """One objective; values are in the units of the row, shown ones in those of people."""

    name: str
    field: str
    """Of a flat row."""
    label: str
    short: str
    """For the head of a column."""
    unit: str
    scale: float
    """From the unit of the row to that of people."""
    maximize: bool = False

    @property
    def direction(self) -> str:
        """As a sampler spells it."""
        return "maximize" if self.maximize else "minimize"

    @property
    def heading(self) -> str:
        """Label and unit, for an axis."""
        return f"{self.label} ({self.unit})"

    def value(self, row: Row) -> float | None:
        """Its value in a row; None where there is none that could be ranked."""
        if self.field == "macs" and row.get("macs_uncounted"):
            # What is only known to cost at least so much has no place on or off a front.
            return None
        return number(row.get(self.field))


KNOWN = {
    each.name: each
    for each in (
        Objective("val_accuracy", "val_accuracy", "Validation accuracy", "Val. accuracy", "%", 100),
        Objective("latency_ms", "latency_ms_median", "Latency", "Latency", "ms", 1),
        Objective("latency_ratio", "latency_ratio", "Latency to the reference", "Latency", "x", 1),
        Objective("macs", "macs", "MACs", "MACs", "M", 1e-6),
        Objective("params", "params", "Parameters", "Params", "M", 1e-6),
        Objective("peak_memory_bytes", "peak_memory_bytes", "Peak memory", "Peak", "MB", 1e-6),
    )
}
"""By the name a sweep calls it; MB and M are 10^6."""


def objectives_of(directions: Mapping[str, str]) -> tuple[Objective, ...]:
    """The objectives in the order given.

    Args:
        directions: name to "maximize" or "minimize".

    Raises:
        ValueError: a name or direction is unknown, or there are none or more than four.
    """
    if not 1 <= len(directions) <= MOST:
        raise ValueError(f"1 to {MOST} objectives are possible, not {len(directions)}")
    found = []
    for name, direction in directions.items():
        if name not in KNOWN:
            raise ValueError(f"unknown objective {name!r}; there are {', '.join(KNOWN)}")
        if direction not in ("maximize", "minimize"):
            raise ValueError(f"objective {name}: maximize or minimize, not {direction!r}")
        known = KNOWN[name]
        found.append(Objective(**{**vars(known), "maximize": direction == "maximize"}))
    return tuple(found)


def directions(objectives: Sequence[Objective]) -> list[str]:
    """Of each objective, as `statistics.front` and `statistics.hypervolume` take them."""
    return [each.direction for each in objectives]


def number(value: Any) -> float | None:
    """A finite number as float; None for everything else."""
    try:
        known = float(value)
    except (TypeError, ValueError):
        return None
    return known if isfinite(known) else None
