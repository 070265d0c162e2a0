"""Write the report of a run from its records, without torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import reports
from runners.records.record import Record

_NAMED_ARMS = 5


def write_report(records: Sequence[Record], folder: Path) -> None:
    """Write tables, figure and records of a run into its folder."""
    rows = [record.flat() for record in records]
    reports.write_comparison(rows, folder, title=title(rows))


def title(rows: Sequence[Mapping[str, Any]]) -> str:
    """The arms, where they fit, and the data sets; random inputs are no data set."""
    names = list(dict.fromkeys(row["name"] for row in rows))
    datasets = list(dict.fromkeys(reports.dataset_label(row["dataset"]) for row in rows))
    text = ", ".join(names) if len(names) <= _NAMED_ARMS else f"{len(names)} arms"
    return f"{text} on {', '.join(filter(None, datasets))}" if any(datasets) else text
