"""Write the report of a run from its records, without torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import reports
from runners.records.record import Record


def write_report(records: Sequence[Record], folder: Path) -> None:
    """Write tables, figure and records of a run into its folder."""
    rows = [record.flat() for record in records]
    reports.write_comparison(rows, folder, title=reports.comparison_title(rows))
