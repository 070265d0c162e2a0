"""The objectives that a sweep may optimise: field of a row, label, unit, direction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import isfinite
from typing import Any

from reports.tables.records import Row

MAX_OBJECTIVES = 4
"""With more, nearly every trial is on the front."""


@dataclass(frozen=True)
class Objective:
    """One objective; values are in the units of the row, displayed ones in `unit`."""

    name: str
    field: str
    """Of a flat row."""
    label: str
    short: str
    """For the head of a column."""
    unit: str
    scale: float
    """From the unit of the row to `unit`."""
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
        """Its value in a row; None where there is none that can be ranked."""
        if self.field == "macs" and (row.get("macs_uncounted") or row.get("macs_range")):
            # What is not exact is neither on nor off a front.
            return None
        return finite_number(row.get(self.field))


_OBJECTIVES = (
    Objective("val_accuracy", "val_accuracy", "Validation accuracy", "Val. accuracy", "%", 100),
    Objective("latency_ms", "latency_ms_median", "Latency", "Latency", "ms", 1),
    Objective("latency_ratio", "latency_ratio", "Latency to the reference", "Latency", "x", 1),
    Objective("macs", "macs", "MACs", "MACs", "M", 1e-6),
    Objective("params", "params", "Parameters", "Params", "M", 1e-6),
    Objective("peak_memory_bytes", "peak_memory_bytes", "Peak memory", "Peak", "MB", 1e-6),
)
"""MB and M are 10^6."""


def parse_objectives(directions: Mapping[str, str]) -> tuple[Objective, ...]:
    """The objectives in the order of the mapping.

    Args:
        directions: name to "maximize" or "minimize".

    Raises:
        ValueError: a name or direction is unknown, or there are none or more than four.
    """
    if not 1 <= len(directions) <= MAX_OBJECTIVES:
        raise ValueError(f"a sweep has 1 to {MAX_OBJECTIVES} objectives, not {len(directions)}")
    by_name = {objective.name: objective for objective in _OBJECTIVES}
    for name, direction in directions.items():
        if name not in by_name:
            raise ValueError(f"unknown objective {name!r}. Available: {', '.join(by_name)}")
        if direction not in ("maximize", "minimize"):
            raise ValueError(f"objective {name}: maximize or minimize, not {direction!r}")
    return tuple(
        replace(by_name[name], maximize=direction == "maximize")
        for name, direction in directions.items()
    )


def finite_number(value: Any) -> float | None:
    """A finite number as float; None for everything else."""
    try:
        converted = float(value)
    except (TypeError, ValueError):
        return None
    return converted if isfinite(converted) else None
