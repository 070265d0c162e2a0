"""Records of a run to the files of its report. No torch: a report needs no networks."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import reports
from runners.record import Record

_NAMED_ARMS = 5


def write_report(records: Sequence[Record], folder: Path) -> None:
    """Tables, figure and records of a run, into its folder."""
    reports.write([record.flat() for record in records], folder, title=title(records))


def title(records: Sequence[Record]) -> str:
    """The arms, where they fit, and the data set."""
    names = list(dict.fromkeys(record.name for record in records))
    arms = ", ".join(names) if len(names) <= _NAMED_ARMS else f"{len(names)} arms"
    return f"{arms} on {records[0].provenance.dataset}"
