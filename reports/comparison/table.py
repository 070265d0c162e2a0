"""A summary as a table: on the terminal, in Markdown, as raw CSV. LaTeX is next door."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reports.comparison.columns import columns, legend
from reports.comparison.summary import Summary
from reports.tables.grid import Grid

if TYPE_CHECKING:
    from rich.console import RenderableType

_DROPPED_FIRST = (
    "ptflops",
    "energy",
    "training",
    "memory",
    "throughput",
    "front",
    "params",
    "macs",
    "form",
)
"""What a narrow terminal does without, least missed first; files keep every column."""


def terminal(summary: Summary, *, notes: bool = True) -> RenderableType:
    """A summary for `rich.console.Console.print`: a table, then the notes unless told not to.

    About 110 columns show what every run has; a narrower console loses columns, named below the
    table, rather than digits.
    """
    return _grid(summary, notes=notes)


def markdown(summary: Summary) -> str:
    """Title, table and notes as GitHub-flavoured Markdown."""
    return _grid(summary, notes=True).markdown()


def csv(summary: Summary) -> str:
    """Every field of every arm, unrounded, under its field name; a missing value is empty.

    Accuracies are fractions in [0, 1]; units are in the names; one line per arm and no notes.
    """
    return str(summary.frame().to_csv(index=False, lineterminator="\n"))


def _grid(summary: Summary, *, notes: bool) -> Grid:
    said = (*summary.notes, *legend(summary)) if notes else ()
    return Grid(summary.title, columns(summary), said, _DROPPED_FIRST)
