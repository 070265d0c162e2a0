"""A summary as a table: on the terminal, in Markdown, as raw CSV. LaTeX is next door."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reports.column import Column
from reports.columns import columns, legend, outcome
from reports.summary import Summary

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

_DROPPED_FIRST = ("ptflops", "memory", "throughput", "front", "params", "macs")
"""What a narrow terminal does without, least missed first; files keep every column."""
_MARKDOWN = re.compile(r"[\\`*|<~$]|\](?=\()|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
"""What would be markup: an underscore inside a word is none, a bracket only before a link."""
_PADDING = 2
_READABLE_STATUS = 24
"""Reasons fold; narrower than this they become a ladder of syllables."""


def terminal(summary: Summary, *, notes: bool = True) -> RenderableType:
    """A summary for `rich.console.Console.print`: a table, then the notes unless told not to.

    About 110 columns show everything; a narrower console loses columns, named below the table,
    rather than digits.
    """
    return _Fitted(summary, notes)


@dataclass(frozen=True)
class _Fitted:
    """Decides what to show when rich asks for it: the width is known only then."""

    summary: Summary
    notes: bool

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        from rich.text import Text

        shown, dropped = _fitted(columns(self.summary), options.max_width)
        yield _rich_table(self.summary.title, shown)
        if dropped:
            yield Text(f"Too narrow for: {', '.join(dropped)}.", style="dim")
        for note in (*self.summary.notes, *legend(self.summary)) if self.notes else ():
            yield Text(note, style="yellow" if note.startswith("WARNING") else "dim")


def markdown(summary: Summary) -> str:
    """Title, table and notes as GitHub-flavoured Markdown."""
    from tabulate import tabulate

    shown = columns(summary)
    cells = [
        [
            f"**{_plain(cell)}**" if row in column.best else _plain(cell)
            for row, cell in enumerate(column.cells)
        ]
        for column in shown
    ]
    table = tabulate(
        list(zip(*cells, strict=True)),
        headers=[_plain(column.heading) for column in shown],
        tablefmt="pipe",
        colalign=["right" if column.number else "left" for column in shown],
        disable_numparse=True,
    )
    noted = "\n".join(f"- {_plain(note)}" for note in (*summary.notes, *legend(summary)))
    return f"# {_plain(summary.title)}\n\n{table}\n\n{noted}\n"


def csv(summary: Summary) -> str:
    """Every field of every arm, unrounded, under its field name; a missing value is empty.

    Accuracies are fractions in [0, 1]; units are in the names; one line per arm and no notes.
    """
    return str(summary.frame().to_csv(index=False, lineterminator="\n"))


def _fitted(all_columns: Sequence[Column], width: int) -> tuple[list[Column], list[str]]:
    """Drop columns until the rest stands side by side; reasons go first, the notes have them."""
    shown, dropped = list(all_columns), list[str]()
    if _width(shown) > width:
        shown = [outcome(column) for column in shown]
    for key in _DROPPED_FIRST:
        if _width(shown) <= width:
            break
        dropped += [column.name for column in shown if column.key == key]
        shown = [column for column in shown if column.key != key]
    return shown, dropped


def _width(shown: Sequence[Column]) -> int:
    """Characters of the whole table, reasons folded."""
    widest = {c.key: max(map(len, (c.name, c.unit, *c.cells))) for c in shown}
    if "status" in widest:
        widest["status"] = min(widest["status"], _READABLE_STATUS)
    return sum(widest.values()) + _PADDING * (len(shown) + 1)


def _rich_table(title: str, shown: Sequence[Column]) -> RenderableType:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title, style="bold"), title_justify="left", box=box.SIMPLE_HEAD)
    table.padding = (0, 1, 0, 0)
    table.pad_edge = False
    for column in shown:
        heading = Text(f"{column.name}\n{column.unit}".strip())
        folds = column.key in ("arm", "status")
        table.add_column(
            heading,
            justify="right" if column.number else "left",
            no_wrap=not folds,
            overflow="fold" if folds else "ellipsis",
        )
    for row in range(len(shown[0].cells)):
        table.add_row(*(Text(c.cells[row], style="bold" if row in c.best else "") for c in shown))
    return table


def _plain(text: str) -> str:
    """Keep names and reasons from being read as Markdown or as the end of a cell."""
    return _MARKDOWN.sub(r"\\\g<0>", text)
