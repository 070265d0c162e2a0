"""The section of a sweep: its front, all of its trials, and how it went."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from reports.runs.run import Run
from reports.runs.section import Point, Section, Table, present
from reports.sweep.csv_files import front_csv, trials_csv
from reports.sweep.objective import finite_number
from reports.sweep.summary import SweepSummary, summarise_sweep
from reports.sweep.table import displayed_points, front_grid, front_title, latex
from reports.tables.records import Row

_FIELDS = {
    "accuracy": ("test_accuracy", 100.0),
    "val_accuracy": ("val_accuracy", 100.0),
    "latency": ("latency_ms_median", 1.0),
    "macs": ("macs", 1e-6),
    "params": ("params", 1e-3),
    "memory": ("peak_memory_bytes", 1e-6),
}


def sweep_section(run: Run) -> Section:
    """The section of one sweep; without a front it has the trials only."""
    summary = summarise_sweep(
        run.rows,
        objectives=run.objectives,
        title=run.title,
        counts=run.counts,
        sampler=run.sampler,
    )
    figures: dict[str, Any] = {}
    tables = {}
    if summary.front is not None:
        grid = front_grid(summary, front_title(summary))
        grid = replace(grid, notes=[*grid.notes, *run.notes])
        ids = [summary.front.rows[n]["architecture_hash"] for n in displayed_points(summary.front)]
        tables["front"] = Table(grid, front_csv(summary), latex(summary), ids)
        if len(summary.objectives) > 1:
            from reports.sweep.figure import sweep_figure

            figures["front"] = sweep_figure(summary)
    return Section(
        title=summary.title,
        tables=tables,
        figures=figures,
        files={"trials.csv": trials_csv(summary).encode()},
        points=_points(run, summary),
        rows=run.rows,
    )


def _points(run: Run, summary: SweepSummary) -> list[Point]:
    front = {row["trial"] for row in summary.front.rows} if summary.front else set()
    return [
        Point(
            label=f"trial {row['trial']}",
            series=run.name,
            values=_values(row),
            intervals={},
            on_front=row["trial"] in front,
            details=_details(row, with_architecture=row["trial"] in front),
            command=run.command(""),
            id=row["architecture_hash"],
        )
        for row in summary.rows
        if row["state"] == "finished"
    ]


def _values(row: Row) -> dict[str, float]:
    values = {}
    for key, (field, factor) in _FIELDS.items():
        number = finite_number(row.get(field))
        values[key] = None if number is None else number * factor
    return present(values)


def _details(row: Row, *, with_architecture: bool) -> Mapping[str, Any]:
    """The dimensions; the whole architecture on the front only, for the size of the page."""
    values = dict(row["values"] or {})
    return (
        {"dimensions": values, "architecture": row["architecture"]} if with_architecture else values
    )
