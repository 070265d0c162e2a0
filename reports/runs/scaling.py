"""The section of a scaling study."""

from __future__ import annotations

from dataclasses import replace

from reports.runs.run import Run
from reports.runs.section import Section, Table
from reports.scaling.figure import scaling_figure
from reports.scaling.report import points_csv, scaling_grid
from reports.tables.latex import LatexTable, label_of


def scaling_section(run: Run) -> Section:
    """The section of one study; all other mixers are compared with `softmax`, if it is there."""
    title = f"Scaling with the map: {run.name}"
    mixers = list(dict.fromkeys(row["mixer"] for row in run.rows))
    baselines = [name for name in ("softmax",) if name in mixers] or mixers[:1]
    grid = scaling_grid(run.rows, baselines, title=title)
    grid = replace(grid, notes=[*grid.notes, *run.notes])
    latex = LatexTable(grid.columns, title, label_of(title, "scale"), grid.notes)
    table = Table(grid, points_csv(run.rows), latex)
    return Section(
        title=title,
        tables={"scale": table},
        figures={"scale": scaling_figure(run.rows)},
        files={},
    )
