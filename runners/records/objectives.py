"""The objectives of a search, and their values in a record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from runners.records.record import Costs, Record

Direction: TypeAlias = Literal["maximize", "minimize"]
Objectives: TypeAlias = Mapping[str, Direction]

VAL_ACCURACY = "val_accuracy"
ANALYTIC = ("macs", "params")
"""Computed by formula, before a network is built."""
_COSTS = {
    "latency_ms": "latency_ms_median",
    "latency_ratio": "latency_ratio",
    "macs": "macs",
    "params": "params",
    "peak_memory_bytes": "peak_memory_bytes",
}
UNITS = {
    "latency_ms": (1.0, "ms"),
    "latency_ratio": (1.0, "x the reference"),
    "macs": (1e-6, "M MACs"),
    "params": (1e-6, "M params"),
    "peak_memory_bytes": (1e-6, "MB"),
    VAL_ACCURACY: (100.0, "%"),
}
"""Factor and unit in which people read an objective."""
DEFAULT_DIRECTIONS: dict[str, Direction] = {
    VAL_ACCURACY: "maximize",
    **dict.fromkeys(_COSTS, "minimize"),
}
"""All objectives, with the sensible direction of each."""


def objective_value(record: Record, name: str) -> float | None:
    """Value of an objective in a record; None if the record does not have it.

    The accuracy is that of the averaged weights after the last epoch, so that pruned and finished
    trials can be compared.
    """
    if name == VAL_ACCURACY:
        return record.quality.curve[-1].val_accuracy if record.quality else None
    return cost_value(record.costs, name) if record.costs else None


def cost_value(costs: Costs, name: str) -> float | None:
    """Value of an objective other than the accuracy; None if it was not measured."""
    value = getattr(costs, _COSTS[name])
    return None if value is None else float(value)


def objective_values(record: Record, objectives: Objectives) -> tuple[float, ...] | None:
    """Values of all objectives in a record, in their order; None unless it has them all."""
    values = []
    for name in objectives:
        value = objective_value(record, name)
        if value is None:
            return None
        values.append(value)
    return tuple(values)


def to_losses(values: Sequence[float], objectives: Objectives) -> tuple[float, ...]:
    """Negate the maximized values, so that less is better; applying it twice changes nothing."""
    pairs = zip(values, objectives.values(), strict=True)
    return tuple(-value if direction == "maximize" else value for value, direction in pairs)
