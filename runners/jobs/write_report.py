"""Write the report of a run from its records, without torch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import reports
from runners.records.record import Record

_NAMED_ARMS = 5


def write_report(records: Sequence[Record], folder: Path) -> None:
    """Write tables, figure and records of a run into its folder."""
    reports.write_comparison([record.flat() for record in records], folder, title=title(records))


def title(records: Sequence[Record]) -> str:
    """The arms, where they fit, and the data set, where there is one."""
    return titled(
        (record.name for record in records), (record.provenance.dataset for record in records)
    )


def titled(arms: Iterable[str], datasets: Iterable[str]) -> str:
    """A title from the names in the rows of a table; random inputs are no data set."""
    names, data = list(dict.fromkeys(arms)), [name for name in dict.fromkeys(datasets) if name]
    text = ", ".join(names) if len(names) <= _NAMED_ARMS else f"{len(names)} arms"
    return f"{text} on {', '.join(data)}" if data else text
