"""Write the files of a comparison: tables, records, figure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from reports.comparison.summary import summarise
from reports.comparison.table import comparison_grid, to_csv, to_latex
from reports.files import write_files
from reports.tables.records import Row, records_csv

_FIGURES = ("pareto.png", "pareto.pdf")


def write_comparison(
    rows: Sequence[Row], folder: Path, *, title: str, force: bool = False
) -> list[Path]:
    """Write the tables, the records and, if an arm has an accuracy, the figure.

    Everything is rendered before the first file is touched, and each file is replaced in one step:
    an error leaves an older report as it was.

    Args:
        rows: as `runners.records.record.Record.flat` makes them, the baseline arm first.
        folder: made if absent; files of the same names are replaced.
        title: of tables and figure.
        force: rank rows whose fingerprints differ; the notes say so.

    Returns:
        The files written: table.md, table.csv, table.tex, records.csv [, pareto.png, pareto.pdf].

    Raises:
        ValueError: there are no rows.
        OSError: the folder cannot be written to.
    """
    summary = summarise(rows, title=title, force=force)
    contents = {
        "table.md": comparison_grid(summary).markdown().encode(),
        "table.csv": to_csv(summary).encode(),
        "table.tex": str(to_latex(summary)).encode(),
        "records.csv": records_csv(rows).encode(),
    }
    if summary.has_accuracy:
        from reports.comparison.pareto import pareto_figure
        from reports.figures.canvas import pdf, png

        figure = pareto_figure(summary)
        contents |= dict(zip(_FIGURES, (png(figure), pdf(figure)), strict=True))
    return write_files(folder, contents, optional=_FIGURES)
