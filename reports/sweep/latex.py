"""The front of a sweep as a LaTeX table environment that needs booktabs and nothing else."""

from __future__ import annotations

from reports.sweep.summary import SweepSummary
from reports.sweep.table import columns, heading, table_notes
from reports.tables.latex import environment, label_of


def latex(summary: SweepSummary) -> str:
    r"""A complete table environment, to be \input into a paper with \usepackage{booktabs}.

    Its label is `tab:` and the title's words. Notes stand under the table.

    Raises:
        ValueError: the sweep has no front.
    """
    label = label_of(summary.title, "sweep")
    return environment(columns(summary), heading(summary), label, table_notes(summary))
