"""Records of a run to the files of its report. No torch: a report needs no networks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import reports
from runners.record import Record


def write_report(records: Sequence[Record], folder: Path) -> None:
    """Tables, figure and records of a run, into its folder."""
    names = list(dict.fromkeys(record.name for record in records))
    title = f"{', '.join(names)} on {records[0].provenance.dataset}"
    reports.write([record.flat() for record in records], folder, title=title)
