"""The section of comparisons, ablations and measurements: all of a report in one table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, fields, replace
from typing import TYPE_CHECKING

from reports.comparison.arm import Arm
from reports.comparison.interactions import interactions_grid
from reports.comparison.summary import Summary, comparison_title, merge_runs, summarise
from reports.comparison.table import comparison_grid, to_csv, to_latex
from reports.runs.run import Run
from reports.runs.section import Point, Section, Table, present
from reports.statistics.effects import Effect
from reports.tables.latex import LatexTable, label_of
from reports.tables.records import Row, cells_csv, records_csv

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def comparison_section(runs: Sequence[Run], *, force: bool) -> Section:
    """The section of runs whose rows are arms; `force` ranks whatever their fingerprints are."""
    one = len(runs) == 1
    rows = runs[0].rows if one else merge_runs({run.name: run.rows for run in runs})
    summary = summarise(rows, title=comparison_title(rows), force=force)
    notes = [note for run in runs for note in run.notes]
    grid = comparison_grid(summary)
    grid = replace(grid, notes=[*grid.notes, *notes])
    firsts = _first_rows(rows)
    ids = [firsts[arm.arm, arm.form or "eager"]["architecture_hash"] for arm in summary.arms]
    tables = {"table": Table(grid, to_csv(summary), to_latex(summary), ids)}
    if summary.interactions:
        tables["interactions"] = _interactions(summary)
    return Section(
        title=summary.title,
        tables=tables,
        figures=_figures(summary, rows),
        files={"records.csv": records_csv(rows).encode()},
        points=[
            _point(arm, firsts[arm.arm, arm.form or "eager"], runs)
            for arm in summary.arms
            if arm.state != "failed"
        ],
        rows=rows,
    )


def _interactions(summary: Summary) -> Table:
    grid = interactions_grid(summary.interactions, summary.title)
    cells = [
        [one.arm, *(repr(value) for value in astuple(one.effect)), repr(one.p), one.verdict]
        for one in summary.interactions
    ]
    names = [f"interaction_{field.name}" for field in fields(Effect)]
    csv = cells_csv(["arm", *names, "p_holm", "verdict"], cells)
    latex = LatexTable(grid.columns, grid.title, label_of(grid.title, "interactions"), grid.notes)
    return Table(grid, csv, latex)


def _figures(summary: Summary, rows: Sequence[Row]) -> dict[str, Figure]:
    from reports.comparison.forest import forest_figure
    from reports.comparison.pareto import pareto_figure
    from reports.figures.curves import curves_figure

    figures: dict[str, Figure] = {}
    if summary.has_accuracy:
        figures["pareto"] = pareto_figure(summary)
    if any(arm.accuracy_effect is not None for arm in summary.arms):
        figures["effects"] = forest_figure(summary)
    if any(len(row.get("curve") or ()) > 1 for row in rows):
        figures["curves"] = curves_figure(rows, title=summary.title)
    return figures


def _first_rows(rows: Sequence[Row]) -> dict[tuple[str, str], Row]:
    firsts: dict[tuple[str, str], Row] = {}
    for row in rows:
        firsts.setdefault((row["name"], row.get("form") or "eager"), row)
    return firsts


def _point(arm: Arm, row: Row, runs: Sequence[Run]) -> Point:
    run = next(run for run in runs if len(runs) == 1 or run.name == row["run"])
    name = row["name"]
    if len(runs) > 1:
        name = name.removesuffix(f" ({run.name})")
    intervals = {}
    if arm.test_accuracy_low is not None and arm.test_accuracy_high is not None:
        intervals["accuracy"] = (100 * arm.test_accuracy_low, 100 * arm.test_accuracy_high)
    if arm.latency_ms_q1 is not None and arm.latency_ms_q3 is not None:
        intervals["latency"] = (arm.latency_ms_q1, arm.latency_ms_q3)
    return Point(
        label=arm.arm,
        series=run.name,
        values=present(
            {
                "accuracy": _times(arm.test_accuracy_mean, 100),
                "latency": arm.latency_ms_median,
                "macs": _times(arm.macs, 1e-6),
                "params": _times(arm.params, 1e-3),
                "memory": _times(arm.peak_memory_bytes, 1e-6),
                "throughput": arm.throughput_images_per_s,
            }
        ),
        intervals=intervals,
        on_front=arm.on_latency_front,
        details=row["architecture"],
        command=run.command(name),
        id=row["architecture_hash"],
    )


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor
