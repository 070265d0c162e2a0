"""Columns side by side: for a terminal of some width, and in Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reports.tables.column import Column

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType

_MARKDOWN = re.compile(r"[\\`*|<~$]|\](?=\()|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
"""Markup; an underscore inside a word is none, a bracket is only before a link."""
_PADDING = 2
_READABLE_STATUS = 24
"""Minimum width: reasons fold, and a narrower column would break words into syllables."""
_STYLES = {"WARNING:": "yellow", "REGRESSION": "bold red"}
"""By the first word of a note."""


@dataclass(frozen=True)
class Grid:
    """A table with the notes under it; for `rich.console.Console.print`, or as Markdown.

    A console too narrow for all columns hides some, named below the table, rather than digits; its
    width is available only when rich renders the table.
    """

    title: str
    columns: Sequence[Column]
    notes: Sequence[str]
    dropped_first: Sequence[str]
    """Keys of columns that may be hidden, least missed first."""

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        from rich.text import Text

        columns, hidden = _fit_columns(self.columns, options.max_width, self.dropped_first)
        yield _rich_table(self.title, columns)
        if hidden:
            yield Text(f"Hidden columns (terminal too narrow): {', '.join(hidden)}.", style="dim")
        for note in self.notes:
            yield Text(note, style=_STYLES.get(note.partition(" ")[0], "dim"))

    def markdown(self) -> str:
        """Title, table and notes as GitHub-flavoured Markdown; the best values are bold."""
        notes = "\n".join(f"- {_escape(note)}" for note in self.notes)
        return f"# {_escape(self.title)}\n\n{_markdown_table(self.columns)}\n\n{notes}\n"


def without_reason(column: Column) -> Column:
    """A status column without the reasons, which are in the notes; other columns unchanged."""
    if column.key != "status":
        return column
    return replace(column, cells=tuple(cell.partition(":")[0] for cell in column.cells))


def _fit_columns(
    columns: Sequence[Column], width: int, dropped_first: Sequence[str]
) -> tuple[list[Column], list[str]]:
    """The columns that fit and the names of the hidden ones; reasons are cut before columns."""
    kept, hidden = list(columns), list[str]()
    if _width(kept) > width:
        kept = [without_reason(column) for column in kept]
    for key in dropped_first:
        if _width(kept) <= width:
            break
        hidden += [column.name for column in kept if column.key == key]
        kept = [column for column in kept if column.key != key]
    return kept, hidden


def _rich_table(title: str, columns: Sequence[Column]) -> RenderableType:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title, style="bold"), title_justify="left", box=box.SIMPLE_HEAD)
    table.padding = (0, 1, 0, 0)
    table.pad_edge = False
    for column in columns:
        heading = Text(f"{column.name}\n{column.unit}".strip())
        folds = column.key in ("arm", "status")
        table.add_column(
            heading,
            justify="right" if column.number else "left",
            no_wrap=not folds,
            overflow="fold" if folds else "ellipsis",
        )
    for row in range(len(columns[0].cells)):
        table.add_row(*(Text(c.cells[row], style="bold" if row in c.best else "") for c in columns))
    return table


def _markdown_table(columns: Sequence[Column]) -> str:
    from tabulate import tabulate

    cells = [
        [
            f"**{_escape(cell)}**" if row in column.best else _escape(cell)
            for row, cell in enumerate(column.cells)
        ]
        for column in columns
    ]
    return tabulate(
        list(zip(*cells, strict=True)),
        headers=[_escape(column.heading) for column in columns],
        tablefmt="pipe",
        colalign=["right" if column.number else "left" for column in columns],
        disable_numparse=True,
    )


def _escape(text: str) -> str:
    """Escape Markdown in names and reasons, and the end of a cell."""
    return _MARKDOWN.sub(r"\\\g<0>", text)


def _width(columns: Sequence[Column]) -> int:
    """Characters of the whole table, reasons folded."""
    widest = {c.key: max(map(len, (c.name, c.unit, *c.cells))) for c in columns}
    if "status" in widest:
        widest["status"] = min(widest["status"], _READABLE_STATUS)
    return sum(widest.values()) + _PADDING * (len(columns) + 1)
