"""The front of a sweep as a table: on the terminal and in Markdown. LaTeX is next door."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from reports.comparison.arm import Row
from reports.sweep.notes import sweep_notes
from reports.sweep.objective import Objective, number
from reports.sweep.summary import SweepFront, SweepSummary, text
from reports.tables.column import Column, plain
from reports.tables.grid import Grid

if TYPE_CHECKING:
    from rich.console import RenderableType

    from reports.sweep.publication import Publication

SHOWN = 40
"""Points of a front in a table and with a number in the figure: what fits on a page."""
_DIMENSIONS = 6
_WIDEST = 24
"""Characters; a dimension with longer values is left to front.csv."""
_INACTIVE = "–"


def sweep_terminal(publication: Publication, *, notes: bool = True) -> RenderableType:
    """The front of a publication for `rich.console.Console.print`: a table, then the notes.

    A console too narrow for all columns loses dimensions, named below the table, rather than
    digits. Without a front it is the one line that says so.
    """
    from rich.text import Text

    summary = publication.summary
    if summary.front is None:
        return Text(publication.text)
    found = columns(summary)
    dimensions = [column.key for column in found if column.key.startswith("dimension ")]
    said = table_notes(summary) if notes else ()
    order = (*reversed(dimensions), "test_accuracy", "trial")
    return Grid(f"{summary.title}: {publication.text}", found, said, order)


def markdown(summary: SweepSummary) -> str:
    """Title, the front as a table, and the notes, as GitHub-flavoured Markdown."""
    return Grid(heading(summary), columns(summary), table_notes(summary), ()).markdown()


def heading(summary: SweepSummary) -> str:
    """The title, and how many made the front; the same however often one publishes."""
    assert summary.front is not None
    size, done = len(summary.front.rows), summary.counts["finished"]
    return f"{summary.title}: front of {size} of {done:,} finished trials"


def table_notes(summary: SweepSummary) -> list[str]:
    """The notes of the sweep, and what the table of its front leaves out."""
    assert summary.front is not None
    front = summary.front
    legend = ["Bold: best value of an objective, as printed."] if len(front.rows) > 1 else []
    return [
        *sweep_notes(summary),
        *_dimension_notes(summary, front),
        *_left_out(front),
        *legend,
    ]


def shown(front: SweepFront) -> list[int]:
    """Places of the points in table and figure: all, or as many as fit, evenly along the front."""
    spread = np.linspace(0, len(front.rows) - 1, min(SHOWN, len(front.rows)))
    return [int(place) for place in np.round(spread)]


def label(row: Row, place: int) -> str:
    """The number of a point of the front, in table and figure alike."""
    return f"{place + 1}{'†' if row.get('reconstructed') else ''}"


def columns(summary: SweepSummary) -> list[Column]:
    """Number, trial, the dimensions that vary along the front, objectives, test accuracy.

    Raises:
        ValueError: the sweep has no front.
    """
    front = summary.front
    if front is None:
        raise ValueError("a sweep without a front has no table")
    rows = front.rows
    tested = [number(row.get("test_accuracy")) for row in rows]
    found = [
        Column("number", "#", "", tuple(label(row, place) for place, row in enumerate(rows))),
        Column("trial", "Trial", "", tuple(str(row["trial"]) for row in rows)),
        *(_dimension(name, rows) for name in _chosen(summary, front)),
        *(_objective(each, rows) for each in summary.objectives),
        Column("test_accuracy", "Test accuracy", "%", tuple(map(_percent, tested))),
    ]
    # Decimals and best values are those of the whole front, whatever is shown of it.
    found = [_only(column, shown(front)) for column in found]
    return [column for column in found if set(column.cells) != {""}]


def _only(column: Column, places: Sequence[int]) -> Column:
    return replace(
        column,
        cells=tuple(column.cells[place] for place in places),
        best=frozenset(n for n, place in enumerate(places) if place in column.best),
    )


def _objective(each: Objective, rows: Sequence[Row]) -> Column:
    values = [each.value(row) for row in rows]
    if each.name == "val_accuracy":
        cells = tuple(map(_percent, values))
        known = [number(cell) or 0.0 for cell in cells]
        best = max(known) if each.maximize else min(known)
        bold = frozenset(n for n, value in enumerate(known) if value == best and len(known) > 1)
        return Column(each.name, each.short, each.unit, cells, bold)
    scaled = [None if value is None else value * each.scale for value in values]
    return plain(each.name, each.short, each.unit, scaled, max if each.maximize else min)


def _percent(fraction: float | None) -> str:
    return "" if fraction is None else f"{100 * fraction:.2f}"


def _dimension(name: str, rows: Sequence[Row]) -> Column:
    cells = tuple(_value(row, name) for row in rows)
    numeric = all(cell == _INACTIVE or number(cell) is not None for cell in cells)
    return Column(f"dimension {name}", " ".join(name.split()), "", cells, number=numeric)


def _value(row: Row, name: str) -> str:
    values = row["values"] or {}
    return _words(values[name]) if name in values else _INACTIVE


def _words(value: Any) -> str:
    if isinstance(value, bool | None):
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_words, value))
    return " ".join(str(value).split())


def _varying(summary: SweepSummary, front: SweepFront) -> list[str]:
    def distinct(name: str) -> set[str | None]:
        each = [row["values"] or {} for row in front.rows]
        return {text(values[name]) if name in values else None for values in each}

    return [name for name in summary.dimensions if len(distinct(name)) > 1]


def _chosen(summary: SweepSummary, front: SweepFront) -> list[str]:
    """The varying dimensions that get a column: the first of those that are narrow enough."""
    rows = [front.rows[place] for place in shown(front)]
    narrow = [
        name
        for name in _varying(summary, front)
        if max(len(name), *(len(_value(row, name)) for row in rows)) <= _WIDEST
    ]
    return narrow[:_DIMENSIONS]


def _dimension_notes(summary: SweepSummary, front: SweepFront) -> list[str]:
    varying, chosen = _varying(summary, front), _chosen(summary, front)
    others = [name for name in varying if name not in chosen]
    first = front.rows[0]
    equal = [
        f"{name} {_value(first, name)}"
        for name in summary.dimensions
        if name not in varying and name in (first["values"] or {})
    ]
    said = [f"Vary too, in front.csv: {', '.join(others)}."] if others else []
    return [*said, *([f"Equal along the front: {', '.join(equal)}."] if equal else [])]


def _left_out(front: SweepFront) -> list[str]:
    size = len(front.rows)
    if size <= SHOWN:
        return []
    return [f"{SHOWN} of {size:,} points, evenly along the front; all are in front.csv."]
