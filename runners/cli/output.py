"""What a command prints: the records of a run, or a plain table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runners.records.record import Record


def print_records(records: Sequence[Record], folder: Path, *, as_json: bool) -> None:
    """Print the table of a run and where its files are, or its records as JSON."""
    if as_json:
        print(json.dumps([record.model_dump(mode="json") for record in records], indent=2))
    else:
        print_comparison([record.flat() for record in records], folder)


def print_comparison(
    rows: Sequence[Mapping[str, Any]], folder: Path, *, force: bool = False
) -> None:
    """Print the table of flat records and where its files are."""
    from rich.console import Console

    import reports
    from runners.jobs.write_report import title

    console = Console()
    summary = reports.summarise(rows, title=title(rows), force=force)
    console.print(reports.comparison_grid(summary))
    console.print(f"\nFiles: {folder}/", markup=False, highlight=False, soft_wrap=True)


def print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows of text under their titles; long cells fold."""
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)
