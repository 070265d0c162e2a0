"""Columns as a LaTeX table environment that needs booktabs and nothing else."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from reports.tables.column import Column

_LIGATURE = re.compile(r"([-`'])(?=\1)|[?!](?=`)")
"""Characters that TeX joins into one, as in --force."""
_SPLIT = "\0"
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{mark: f"\\{mark}" for mark in "_%&#$"},
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''{}",
    _SPLIT: "{}",
    "†": r"$^{\dagger}$",
    "‡": r"$^{\ddagger}$",
    "×": r"$\times$",
    "±": r"$\pm$",
    "µ": r"$\mu$",
    "μ": r"$\mu$",
    "→": r"$\rightarrow$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "≈": r"$\approx$",
    "–": r"\textendash{}",
    "—": r"\textemdash{}",
    "…": "...",
    "‘": "`",
    "’": "'",
    "“": "``",
    "”": "''",
}


def label_of(title: str, default: str) -> str:
    """`tab:` and the words of a title, or the default where it has none."""
    return f"tab:{re.sub(r'[^a-z0-9]+', '-', title.lower()).strip('-') or default}"


@dataclass(frozen=True)
class LatexTable:
    """A table environment before it is written: what a paper may choose from."""

    columns: Sequence[Column]
    caption: str
    label: str
    notes: Sequence[str]

    def __str__(self) -> str:
        return environment(self.columns, self.caption, self.label, self.notes)


def environment(columns: Sequence[Column], caption: str, label: str, notes: Sequence[str]) -> str:
    """The table environment around columns, with notes under them; texts are plain.

    The machine is left out: papers name it once, and CSV, Markdown and HTML have it.
    """
    notes = [note for note in notes if not note.startswith("Machine")]
    return "\n".join(
        [
            "% Needs \\usepackage{booktabs}.",
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{escape(caption)}}}",
            rf"\label{{{label}}}",
            r"\scriptsize",
            r"\setlength{\tabcolsep}{2.5pt}",
            # Centred even where the table is wider than the text, on both sides of it.
            r"\makebox[\linewidth][c]{%",
            rf"\begin{{tabular}}{{@{{}}{''.join('r' if c.number else 'l' for c in columns)}@{{}}}}",
            r"\toprule",
            _line([_heading(c, c.name) for c in columns]),
            _line([_heading(c, c.unit) for c in columns]),
            r"\midrule",
            *(_line([_cell(c, row) for c in columns]) for row in range(len(columns[0].cells))),
            r"\bottomrule",
            r"\end{tabular}}",
            r"\par\smallskip",
            r"\begin{minipage}{\linewidth}",
            r"\raggedright",
            "\\par\n".join(map(escape, notes)),
            r"\end{minipage}",
            r"\end{table}",
            "",
        ]
    )


def escape(text: str) -> str:
    """Plain text as LaTeX that prints it under pdflatex with its default fonts.

    A character that those fonts lack is printed without its accent, or as its code point: [U+4E2D].
    """
    split = _LIGATURE.sub(rf"\g<0>{_SPLIT}", " ".join(text.split()))
    return "".join(_SPECIAL.get(mark) or _printable(mark) for mark in split)


def _printable(mark: str) -> str:
    if mark.isascii():
        return mark if mark.isprintable() else ""
    bare = unicodedata.normalize("NFKD", mark).encode("ascii", "ignore").decode()
    if bare:
        return mark if mark in "äöüÄÖÜéèêëáàâíìîïóòôúùûñçåÅÉÈ" else "".join(map(escape, bare))
    return f"[U+{ord(mark):04X}]"


def _heading(column: Column, text: str) -> str:
    return rf"\multicolumn{{1}}{{c}}{{{escape(text)}}}" if column.number else escape(text)


def _cell(column: Column, row: int) -> str:
    text = escape(column.cells[row])
    return rf"\textbf{{{text}}}" if row in column.best else text


def _line(cells: Sequence[str]) -> str:
    line = f"{' & '.join(cells)} \\\\"
    # After the end of a row, TeX reads [ and * as options of that end.
    return f"{{}}{line}" if line[0] in "[*" else line
