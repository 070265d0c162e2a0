"""What a search can optimise or bound, and where a record has it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypeAlias

from runners.records.record import Costs, Record

Direction: TypeAlias = Literal["maximize", "minimize"]
Objectives: TypeAlias = Mapping[str, Direction]

VAL_ACCURACY = "val_accuracy"
ANALYTIC = ("macs", "params")
"""Known by formula, before anything is built."""
_COSTS = {
    "latency_ms": "latency_ms_median",
    "latency_ratio": "latency_ratio",
    "macs": "macs",
    "params": "params",
    "peak_memory_bytes": "peak_memory_bytes",
}
USUAL: dict[str, Direction] = {VAL_ACCURACY: "maximize", **dict.fromkeys(_COSTS, "minimize")}
"""All objectives, each with the direction that makes sense."""


def quantity(record: Record, name: str) -> float | None:
    """An objective of a record; None where the record has none.

    The accuracy is that of the averaged weights at the end of the last epoch, so that trials that
    were stopped compare with those that were not.
    """
    if name == VAL_ACCURACY:
        return record.quality.curve[-1].val_accuracy if record.quality else None
    return cost(record.costs, name) if record.costs else None


def cost(costs: Costs, name: str) -> float | None:
    """An objective other than the accuracy; None where it was not measured."""
    value = getattr(costs, _COSTS[name])
    return None if value is None else float(value)


def values(record: Record, objectives: Objectives) -> tuple[float, ...] | None:
    """All objectives of a record in their order; None unless it has them all."""
    found = [quantity(record, name) for name in objectives]
    known = [value for value in found if value is not None]
    return tuple(known) if len(known) == len(found) else None


def loss(values: Sequence[float], objectives: Objectives) -> tuple[float, ...]:
    """The same values, signed so that less is better."""
    pairs = zip(values, objectives.values(), strict=True)
    return tuple(-value if way == "maximize" else value for value, way in pairs)
