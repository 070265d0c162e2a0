"""One part of a report: tables, figures and points about one run, or about runs of one kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from reports.tables.column import Column
from reports.tables.grid import Grid
from reports.tables.latex import LatexTable
from reports.tables.records import Row

if TYPE_CHECKING:
    from matplotlib.figure import Figure

QUANTITIES = {
    "accuracy": "Test accuracy (%)",
    "val_accuracy": "Validation accuracy (%)",
    "latency": "Latency (ms)",
    "macs": "MACs (M)",
    "params": "Params (k)",
    "memory": "Peak memory (MB)",
    "throughput": "Images per s",
}
"""What the axes of the interactive figure can show, by key."""


@dataclass(frozen=True)
class Table:
    """A table in all its formats.

    Args:
        grid: for terminal, Markdown and HTML.
        csv: the same rows, unrounded.
        latex: a table environment; None where there is none.
        ids: what identifies each row in the records: hashes of architectures.
    """

    grid: Grid
    csv: str
    latex: LatexTable | None = None
    ids: Sequence[str] = ()

    def select(self, keys: Sequence[str]) -> Table:
        """The table with these columns only, in this order; the first one stays in front."""
        return replace(
            self,
            grid=replace(self.grid, columns=_select(self.grid.columns, keys)),
            latex=self.latex and replace(self.latex, columns=_select(self.latex.columns, keys)),
        )


def _select(columns: Sequence[Column], keys: Sequence[str]) -> list[Column]:
    by_key = {column.key: column for column in columns}
    return [by_key[key] for key in dict.fromkeys((columns[0].key, *keys)) if key in by_key]


@dataclass(frozen=True)
class Point:
    """One architecture in the interactive figure.

    Args:
        label: its name.
        series: points of one series have one colour, and are listed together.
        values: by key of `QUANTITIES`; absent where not measured.
        intervals: low and high, by key; absent where unknown.
        on_front: whether it is on the front of its run.
        details: its dimensions or its architecture, as JSON types.
        command: repeats it; "" for none.
        id: the hash of its architecture.
    """

    label: str
    series: str
    values: Mapping[str, float]
    intervals: Mapping[str, tuple[float, float]]
    on_front: bool
    details: Mapping[str, Any]
    command: str
    id: str


@dataclass(frozen=True)
class Section:
    """A part of a report.

    Args:
        title: above it.
        tables: by the stem of their files.
        figures: by the stem of their files.
        files: further ones, by name.
        points: of the interactive figure.
        rows: whose provenance is listed.
    """

    title: str
    tables: Mapping[str, Table]
    figures: Mapping[str, Figure]
    files: Mapping[str, bytes]
    points: Sequence[Point] = ()
    rows: Sequence[Row] = field(default=(), repr=False)


def present(values: Mapping[str, float | None]) -> dict[str, float]:
    """The values that were measured."""
    return {key: value for key, value in values.items() if value is not None}
