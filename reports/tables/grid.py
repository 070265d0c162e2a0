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
"""What would be markup: an underscore inside a word is none, a bracket only before a link."""
_PADDING = 2
_READABLE_STATUS = 24
"""Reasons fold; narrower than this they become a ladder of syllables."""
_STYLES = {"WARNING:": "yellow", "REGRESSION": "bold red"}
"""By the first word of a note."""


@dataclass(frozen=True)
class Grid:
    """A table with the notes under it; for `rich.console.Console.print`, or as Markdown.

    A console too narrow for all columns loses some, named below the table, rather than digits: the
    width is known only when rich asks.
    """

    title: str
    columns: Sequence[Column]
    notes: Sequence[str]
    dropped_first: Sequence[str]
    """Keys of columns that may go, least missed first."""

    def __rich_console__(
        self, console: Console, options: ConsoleOptions
    ) -> Iterator[RenderableType]:
        from rich.text import Text

        shown, dropped = _fitted(self.columns, options.max_width, self.dropped_first)
        yield _rich_table(self.title, shown)
        if dropped:
            yield Text(f"Too narrow for: {', '.join(dropped)}.", style="dim")
        for note in self.notes:
            yield Text(note, style=_STYLES.get(note.partition(" ")[0], "dim"))

    def markdown(self) -> str:
        """Title, table and notes as GitHub-flavoured Markdown; the best values are bold."""
        noted = "\n".join(f"- {_plain(note)}" for note in self.notes)
        return f"# {_plain(self.title)}\n\n{_markdown_table(self.columns)}\n\n{noted}\n"


def outcome(column: Column) -> Column:
    """The status without its reason, which the notes give in full; other columns as they are."""
    if column.key != "status":
        return column
    return replace(column, cells=tuple(cell.partition(":")[0] for cell in column.cells))


def _fitted(
    all_columns: Sequence[Column], width: int, dropped_first: Sequence[str]
) -> tuple[list[Column], list[str]]:
    """Columns to show and names of the others; reasons go before columns: the notes have them."""
    shown, dropped = list(all_columns), list[str]()
    if _width(shown) > width:
        shown = [outcome(column) for column in shown]
    for key in dropped_first:
        if _width(shown) <= width:
            break
        dropped += [column.name for column in shown if column.key == key]
        shown = [column for column in shown if column.key != key]
    return shown, dropped


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


def _markdown_table(shown: Sequence[Column]) -> str:
    from tabulate import tabulate

    cells = [
        [
            f"**{_plain(cell)}**" if row in column.best else _plain(cell)
            for row, cell in enumerate(column.cells)
        ]
        for column in shown
    ]
    return tabulate(
        list(zip(*cells, strict=True)),
        headers=[_plain(column.heading) for column in shown],
        tablefmt="pipe",
        colalign=["right" if column.number else "left" for column in shown],
        disable_numparse=True,
    )


def _plain(text: str) -> str:
    """Keep names and reasons from being read as Markdown or as the end of a cell."""
    return _MARKDOWN.sub(r"\\\g<0>", text)


def _width(shown: Sequence[Column]) -> int:
    """Characters of the whole table, reasons folded."""
    widest = {c.key: max(map(len, (c.name, c.unit, *c.cells))) for c in shown}
    if "status" in widest:
        widest["status"] = min(widest["status"], _READABLE_STATUS)
    return sum(widest.values()) + _PADDING * (len(shown) + 1)
