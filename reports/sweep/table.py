"""The front of a sweep as a table: for the terminal, in Markdown and in LaTeX."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from reports.sweep.notes import sweep_notes
from reports.sweep.objective import Objective, finite_number
from reports.sweep.summary import SweepFront, SweepSummary, canonical_json
from reports.tables.column import Column, best_of, plain
from reports.tables.grid import Grid
from reports.tables.latex import LatexTable, label_of
from reports.tables.records import Row

MAX_POINTS = 40
"""Points of a front in a table and with a number in the figure: what fits on a page."""
_MAX_DIMENSIONS = 6
_MAX_CHARACTERS = 24
"""A dimension with longer values is left to front.csv."""
_INACTIVE = "–"


def front_grid(summary: SweepSummary, title: str, *, notes: bool = True) -> Grid:
    """The front as a table, for a console or as Markdown; a narrow console hides dimensions first.

    Raises:
        ValueError: the sweep has no front.
    """
    all_columns = columns(summary)
    dimensions = [column.key for column in all_columns if column.key.startswith("dimension ")]
    order = (*reversed(dimensions), "test_accuracy", "probability", "trial")
    return Grid(title, all_columns, table_notes(summary) if notes else (), order)


def markdown(summary: SweepSummary) -> str:
    """Title, the front as a table, and the notes, as GitHub-flavoured Markdown."""
    return front_grid(summary, front_title(summary)).markdown()


def latex(summary: SweepSummary) -> LatexTable:
    r"""A complete table environment, to be \input into a paper with \usepackage{booktabs}.

    Its label is `tab:` and the title's words. Notes are under the table.

    Raises:
        ValueError: the sweep has no front.
    """
    label = label_of(summary.title, "sweep")
    return LatexTable(columns(summary), front_title(summary), label, table_notes(summary))


def front_title(summary: SweepSummary) -> str:
    """The title, and the size of the front; the same however often one publishes."""
    assert summary.front is not None
    size, finished = len(summary.front.rows), summary.counts["finished"]
    return f"{summary.title}: front of {size} of {finished:,} finished trials"


def table_notes(summary: SweepSummary) -> list[str]:
    """The notes of the sweep, and what the table of its front leaves out."""
    front = summary.front
    assert front is not None
    notes = [*sweep_notes(summary), *_dimension_notes(summary, front)]
    size = len(front.rows)
    if size > MAX_POINTS:
        notes.append(
            f"{MAX_POINTS} of {size:,} points, evenly along the front; front.csv has all of them."
        )
    if not (front.probabilities == 1).all():
        notes.append(
            "On front: probability, over draws of the accuracies, from the number of validation "
            "images, and of the latencies, from their rounds; MACs and parameters are exact."
        )
    if size > 1:
        notes.append("Bold: best value of an objective, as printed.")
    return notes


def displayed_points(front: SweepFront) -> list[int]:
    """Indices of the points in table and figure: all, or as many as fit, evenly spaced."""
    size = len(front.rows)
    spread = np.linspace(0, size - 1, min(MAX_POINTS, size))
    return [int(index) for index in np.round(spread)]


def point_label(row: Row, index: int) -> str:
    """The number of a point of the front, in table and figure alike."""
    return f"{index + 1}{'†' if row.get('reconstructed') else ''}"


def columns(summary: SweepSummary) -> list[Column]:
    """Number, trial, the dimensions that vary along the front, objectives, test accuracy.

    Raises:
        ValueError: the sweep has no front.
    """
    front = summary.front
    if front is None:
        raise ValueError("a sweep without a front has no table")
    rows = front.rows
    tested = [finite_number(row.get("test_accuracy")) for row in rows]
    all_columns = [
        Column("number", "#", "", tuple(point_label(row, n) for n, row in enumerate(rows))),
        Column("trial", "Trial", "", tuple(str(row["trial"]) for row in rows)),
        *(_dimension(name, rows) for name in _varying(summary, front)[0]),
        *(_objective(objective, rows) for objective in summary.objectives),
        _probability(front),
        Column("test_accuracy", "Test accuracy", "%", tuple(map(_percent, tested))),
    ]
    # Decimals and best values are those of the whole front, however much of it is displayed.
    displayed = [_select(column, displayed_points(front)) for column in all_columns]
    return [column for column in displayed if set(column.cells) != {""}]


def _probability(front: SweepFront) -> Column:
    """How probably each point is on the front; no column where no value has noise."""
    certain = bool((front.probabilities == 1).all())
    cells = ("",) * len(front.rows)
    if not certain:
        cells = tuple(f"{100 * share:.0f}" for share in front.probabilities)
    return Column("probability", "On front", "%", cells)


def _select(column: Column, indices: Sequence[int]) -> Column:
    return replace(
        column,
        cells=tuple(column.cells[index] for index in indices),
        best=frozenset(n for n, index in enumerate(indices) if index in column.best),
    )


def _objective(objective: Objective, rows: Sequence[Row]) -> Column:
    values = [objective.value(row) for row in rows]
    best = max if objective.maximize else min
    key, name, unit = objective.name, objective.short, objective.unit
    if key == "val_accuracy":
        cells = tuple(map(_percent, values))
        return Column(key, name, unit, cells, best_of([float(cell) for cell in cells], best))
    scaled = [None if value is None else value * objective.scale for value in values]
    return plain(key, name, unit, scaled, best)


def _percent(fraction: float | None) -> str:
    return "" if fraction is None else f"{100 * fraction:.2f}"


def _dimension(name: str, rows: Sequence[Row]) -> Column:
    cells = tuple(_dimension_cell(row, name) for row in rows)
    numeric = all(cell == _INACTIVE or finite_number(cell) is not None for cell in cells)
    return Column(f"dimension {name}", " ".join(name.split()), "", cells, number=numeric)


def _dimension_cell(row: Row, name: str) -> str:
    values = row["values"] or {}
    return _text(values[name]) if name in values else _INACTIVE


def _text(value: Any) -> str:
    if isinstance(value, bool | None):
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(map(_text, value))
    return " ".join(str(value).split())


def _varying(summary: SweepSummary, front: SweepFront) -> tuple[list[str], list[str]]:
    """Dimensions that vary along the front: those with a column, and those in front.csv only.

    The first of those that are narrow enough get a column.
    """
    mappings = [row["values"] or {} for row in front.rows]
    displayed = [front.rows[index] for index in displayed_points(front)]
    in_columns, others = list[str](), list[str]()
    for name in summary.dimensions:
        distinct = {canonical_json(values[name]) if name in values else None for values in mappings}
        if len(distinct) > 1:
            widest = max(len(name), *(len(_dimension_cell(row, name)) for row in displayed))
            is_column = widest <= _MAX_CHARACTERS and len(in_columns) < _MAX_DIMENSIONS
            (in_columns if is_column else others).append(name)
    return in_columns, others


def _dimension_notes(summary: SweepSummary, front: SweepFront) -> list[str]:
    in_columns, others = _varying(summary, front)
    first = front.rows[0]
    equal = [
        f"{name} {_dimension_cell(first, name)}"
        for name in summary.dimensions
        if name not in (*in_columns, *others) and name in (first["values"] or {})
    ]
    notes = [f"Also varying, in front.csv: {', '.join(others)}."] if others else []
    return [*notes, *([f"Equal along the front: {', '.join(equal)}."] if equal else [])]
