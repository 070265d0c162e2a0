"""The trials of a sweep as CSV, raw numbers, and the front back without loss."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from io import StringIO
from typing import Any, TypeAlias

from reports.comparison.arm import Row
from reports.sweep.objective import Objective
from reports.sweep.summary import SweepSummary, text

FIELDS = (
    "val_accuracy",
    "test_accuracy",
    "latency_ms_median",
    "latency_ms_iqr",
    "macs",
    "params",
    "peak_memory_bytes",
    "epochs",
)
"""Of every trial; the objectives among them come first."""
_NUMBERED = ("trial", "architecture_hash")
_ENDED = ("state", "reason")
_WORDS = ("architecture_hash", *_ENDED)
"""Always text: no hash becomes a number because it has no letters."""
_Cells: TypeAlias = list[tuple[str, Callable[[Row], Any]]]


def front_csv(summary: SweepSummary) -> str:
    """The front, one line a trial, in its order; the header alone where there is none.

    Units are in the names, accuracies are fractions; a missing value or an inactive dimension is
    an empty cell. Text stands as it is; text that would be taken for JSON, and everything else, is
    JSON. A dimension with the name of another column is called `dimension_NAME`.
    """
    return _csv(summary.front.rows if summary.front else (), _columns(summary))


def trials_csv(summary: SweepSummary) -> str:
    """Every trial in the order of their ends: the columns of the front, and how each ended."""
    return _csv(summary.rows, _columns(summary, _ENDED))


def read_front(content: str) -> list[dict[str, Any]]:
    """The lines that `front_csv` wrote, with their types; an empty cell is None.

    Raises:
        ValueError: a line has too few or too many cells.
    """
    try:
        lines = list(csv.reader(StringIO(content, newline=""), strict=True))
    except csv.Error as error:
        raise ValueError(f"not a CSV file: {error}") from error
    header = lines[0] if lines else []
    if any(len(line) != len(header) for line in lines):
        raise ValueError("a line has another number of cells than the header")
    return [
        {
            name: cell if name in _WORDS else _value(cell)
            for name, cell in zip(header, line, strict=True)
        }
        for line in lines[1:]
    ]


def leading(objectives: Sequence[Objective]) -> list[str]:
    """The first columns of a front over these objectives, up to the last that is always there."""
    fields = [each.field for each in objectives]
    return [*_NUMBERED, *fields, *(name for name in FIELDS if name not in fields)]


def _columns(summary: SweepSummary, more: Sequence[str] = ()) -> _Cells:
    fixed = leading(summary.objectives)
    fixed[len(_NUMBERED) : len(_NUMBERED)] = more
    columns: _Cells = [(name, _field(name)) for name in fixed]
    taken = {*fixed, *_ENDED, "architecture"}
    for name in summary.dimensions:
        columns.append((f"dimension_{name}" if name in taken else name, _dimension(name)))
    return [*columns, ("architecture", _field("architecture"))]


def _field(name: str) -> Callable[[Row], Any]:
    if name in _WORDS:
        return lambda row: row.get(name) or ""
    return lambda row: _cell(row.get(name))


def _dimension(name: str) -> Callable[[Row], Any]:
    def cell(row: Row) -> str:
        values = row["values"] or {}
        if name not in values:
            return ""
        # An active dimension whose value is None is no empty cell.
        return "null" if values[name] is None else _cell(values[name])

    return cell


def _csv(rows: Sequence[Row], columns: _Cells) -> str:
    lines = StringIO(newline="")
    writer = csv.writer(lines, lineterminator="\n")
    writer.writerow([name for name, _ in columns])
    writer.writerows([cell(row) for _, cell in columns] for row in rows)
    return lines.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str) and value and value == _value(value):
        return value
    return text(value)


def _value(cell: str) -> Any:
    try:
        return json.loads(cell) if cell else None
    except ValueError:
        return cell
