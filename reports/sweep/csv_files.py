"""The trials and the front of a sweep as CSV with raw numbers, and the front read back."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from io import StringIO
from typing import Any

from reports.sweep.drift import RAW
from reports.sweep.objective import Objective
from reports.sweep.summary import SweepSummary, canonical_json
from reports.tables.records import Row, cells_csv

_FIELDS = (
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
_IDENTITY = ("trial", "architecture_hash")
_OUTCOME = ("state", "reason")
_TEXT_FIELDS = ("architecture_hash", *_OUTCOME)
"""Always text: no hash becomes a number because it has no letters."""


def front_csv(summary: SweepSummary) -> str:
    """The front, one line per trial, in its order; only the header where there is none.

    Units are in the names, accuracies are fractions; a missing value or an inactive dimension is
    an empty cell. Text is unquoted; text that would parse as JSON, and everything else, is JSON. A
    dimension with the name of another column is called `dimension_NAME`.
    """
    return _csv(summary, summary.front.rows if summary.front else ())


def trials_csv(summary: SweepSummary) -> str:
    """Every trial in the order of their ends: as the front, with its end and its raw latency."""
    return _csv(summary, summary.rows, (*_OUTCOME, RAW))


def read_front(content: str) -> list[dict[str, Any]]:
    """The rows that `front_csv` wrote, with their types; an empty cell is None.

    Raises:
        ValueError: a line has too few or too many cells.
    """
    # pandas would fill short lines silently: they are how a truncated file shows.
    try:
        lines = list(csv.reader(StringIO(content, newline=""), strict=True))
    except csv.Error as error:
        raise ValueError(f"not a CSV file: {error}") from error
    header = lines[0] if lines else []
    if any(len(line) != len(header) for line in lines):
        raise ValueError("a line and the header differ in their number of cells")
    return [
        {
            name: cell if name in _TEXT_FIELDS else _decode(cell)
            for name, cell in zip(header, line, strict=True)
        }
        for line in lines[1:]
    ]


def leading_columns(objectives: Sequence[Objective]) -> list[str]:
    """The columns of a front over these objectives that precede the dimensions."""
    fields = [objective.field for objective in objectives]
    return [*_IDENTITY, *fields, *(name for name in _FIELDS if name not in fields)]


def _csv(summary: SweepSummary, rows: Sequence[Row], outcome: Sequence[str] = ()) -> str:
    fields = leading_columns(summary.objectives)
    fields[len(_IDENTITY) : len(_IDENTITY)] = outcome
    reserved = {*fields, *_OUTCOME, RAW, "architecture"}
    dimensions = [f"dimension_{name}" if name in reserved else name for name in summary.dimensions]
    cells = [
        [
            *(_field(row, name) for name in fields),
            *(_dimension(row["values"] or {}, name) for name in summary.dimensions),
            _field(row, "architecture"),
        ]
        for row in rows
    ]
    return cells_csv([*fields, *dimensions, "architecture"], cells)


def _field(row: Row, name: str) -> str:
    return row.get(name) or "" if name in _TEXT_FIELDS else _encode(row.get(name))


def _dimension(values: Mapping[str, Any], name: str) -> str:
    if name not in values:
        return ""
    # An active dimension whose value is None is no empty cell.
    return "null" if values[name] is None else _encode(values[name])


def _encode(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str) and value and value == _decode(value):
        return value
    return canonical_json(value)


def _decode(cell: str) -> Any:
    try:
        return json.loads(cell) if cell else None
    except ValueError:
        return cell
