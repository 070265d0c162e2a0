"""Every field of every record as CSV, and back without loss."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from io import StringIO
from typing import Any

from reports.comparison.arm import Row


def records_csv(rows: Sequence[Row]) -> str:
    """One line per record, one column per field, in order of first appearance.

    Text stands as it is; everything else, and text that would be taken for it, is JSON: None is
    `null`, lists and dicts are JSON in their cell.
    """
    fields = list(dict.fromkeys(field for row in rows for field in row))
    text = StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(fields)
    writer.writerows([_cell(row.get(field)) for field in fields] for row in rows)
    return text.getvalue()


def read_records(text: str) -> list[dict[str, Any]]:
    """The rows that `records_csv` wrote; a field that a row lacked comes back as None."""
    # Cells hold whole curves: the module's limit of 128 KiB a cell is too low for them.
    limit = csv.field_size_limit(2**31 - 1)
    try:
        lines = csv.DictReader(StringIO(text, newline=""))
        return [{field: _value(cell) for field, cell in line.items()} for line in lines]
    finally:
        csv.field_size_limit(limit)


def _cell(value: Any) -> str:
    if isinstance(value, str) and value == _value(value):
        return value
    return json.dumps(value)


def _value(cell: str) -> Any:
    try:
        return json.loads(cell)
    except ValueError:
        return cell
