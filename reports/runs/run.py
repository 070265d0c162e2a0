"""A stored run of any kind, as reports take it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum

from reports.tables.records import Row


class RunKind(str, Enum):
    """What a run is, and so which tables and figures it has."""

    COMPARISON = "comparison"
    """Arms with their costs, trained or only measured; ablations too."""
    SWEEP = "sweep"
    SCALING = "scaling"


@dataclass(frozen=True)
class Run:
    """A stored run.

    Args:
        name: of its folder.
        kind: of the run.
        rows: flat records; those of a sweep as `summarise_sweep` takes them, those of a scaling
            study as `write_scaling` does.
        title: of a sweep.
        objectives: of a sweep, with their directions.
        counts: of a sweep's trials that are no rows.
        sampler: of a sweep.
        commands: which repeat a row, by its name; "" for all others.
        notes: what could not be read, a sentence each.
    """

    name: str
    kind: RunKind
    rows: Sequence[Row]
    title: str = ""
    objectives: Mapping[str, str] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)
    sampler: str = ""
    commands: Mapping[str, str] = field(default_factory=dict)
    notes: Sequence[str] = ()

    def command(self, name: str) -> str:
        """The command that repeats a row."""
        return self.commands.get(name, self.commands.get("", ""))
