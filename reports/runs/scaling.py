"""The section of a scaling study."""

from __future__ import annotations

from reports.runs.run import Run
from reports.runs.section import Section, Table
from reports.scaling.figure import scaling_figure
from reports.scaling.report import growth_table, points_csv, scaling_notes
from reports.tables.column import Column
from reports.tables.grid import Grid
from reports.tables.latex import environment, label_of


def scaling_section(run: Run) -> Section:
    """The section of one study; all other mixers are compared with `softmax`, if it is there."""
    title = f"Scaling with the map: {run.name}"
    mixers = list(dict.fromkeys(row["mixer"] for row in run.rows))
    baselines = [name for name in ("softmax",) if name in mixers] or mixers[:1]
    headings, cells = growth_table(run.rows, baselines)
    columns = [
        Column(heading, heading, "", tuple(row[index] for row in cells), number=index > 0)
        for index, heading in enumerate(headings)
    ]
    notes = [*scaling_notes(run.rows), *run.notes]
    latex = environment(columns, title, label_of(title, "scale"), notes)
    table = Table(Grid(title, columns, notes, ()), points_csv(run.rows), latex)
    return Section(
        title=title,
        tables={"scale": table},
        figures={"scale": scaling_figure(run.rows)},
        files={},
    )
