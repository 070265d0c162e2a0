"""The front of a sweep as a LaTeX table environment that needs booktabs and nothing else."""

from __future__ import annotations

import re
from collections.abc import Sequence

from reports.column import Column
from reports.latex import escape
from reports.sweep_summary import SweepSummary
from reports.sweep_table import columns, heading, table_notes


def latex(summary: SweepSummary) -> str:
    r"""A complete table environment, to be \input into a paper with \usepackage{booktabs}.

    Its label is `tab:` and the title's words. Notes stand under the table.

    Raises:
        ValueError: the sweep has no front.
    """
    shown = columns(summary)
    words = re.sub(r"[^a-z0-9]+", "-", summary.title.lower()).strip("-") or "sweep"
    return "\n".join(
        [
            "% Needs \\usepackage{booktabs}.",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{escape(heading(summary))}}}",
            rf"\label{{tab:{words}}}",
            r"\scriptsize",
            r"\setlength{\tabcolsep}{2.5pt}",
            # Centred also where the text is narrower than the table: it sticks out on both sides.
            r"\makebox[\linewidth][c]{%",
            rf"\begin{{tabular}}{{@{{}}{''.join('r' if c.number else 'l' for c in shown)}@{{}}}}",
            r"\toprule",
            _line([_head(c, c.name) for c in shown]),
            _line([_head(c, c.unit) for c in shown]),
            r"\midrule",
            *(_line([_cell(c, row) for c in shown]) for row in range(len(shown[0].cells))),
            r"\bottomrule",
            r"\end{tabular}}",
            r"\par\smallskip",
            r"\begin{minipage}{\linewidth}",
            r"\raggedright",
            "\\par\n".join(escape(note) for note in table_notes(summary)),
            r"\end{minipage}",
            r"\end{table}",
            "",
        ]
    )


def _head(column: Column, words: str) -> str:
    return rf"\multicolumn{{1}}{{c}}{{{escape(words)}}}" if column.number else escape(words)


def _cell(column: Column, row: int) -> str:
    words = escape(column.cells[row])
    return rf"\textbf{{{words}}}" if row in column.best else words


def _line(cells: Sequence[str]) -> str:
    # The first cell is a number; what stands first in the next line cannot become an option
    # of this line's end.
    return f"{' & '.join(cells)} \\\\"
