"""Publish a sweep: its front as tables and figures, every trial, and what is new."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from reports.files import write_files
from reports.sweep.changes import (
    FRONT_FILE,
    LOG_FILE,
    append_entry,
    describe_changes,
    is_unchanged,
    read_earlier_front,
    read_text,
)
from reports.sweep.csv_files import front_csv, trials_csv
from reports.sweep.notes import state_counts
from reports.sweep.summary import SweepSummary
from reports.sweep.table import front_grid, latex, markdown
from reports.tables.records import Row

if TYPE_CHECKING:
    from rich.console import RenderableType

_FIGURES = ("front.png", "front.pdf")
_TRIALS_FILE = "trials.csv"


@dataclass(frozen=True)
class Publication:
    """One publication of a sweep; `front` is empty where no trial is on one."""

    summary: SweepSummary = field(repr=False)
    text: str
    """One line: the size of the front at first, later what changed."""
    files: tuple[Path, ...] = ()
    """Of this publication, whether or not they changed."""

    @property
    def front(self) -> tuple[Row, ...]:
        """The trials on the front, by the first cost, in the order of the table's numbers."""
        return self.summary.front.rows if self.summary.front else ()


def publish(summary: SweepSummary, folder: Path, *, time: str) -> Publication:
    """Write the front of a sweep and every trial of it; report what changed since the last time.

    Everything is rendered before the first file is written, each file is replaced in one step, and
    a file that would not change is not touched. Without a front only the trials are written, and
    earlier files are kept. Publishing the same rows again changes nothing.

    Args:
        summary: from `summarise_sweep`.
        folder: made if absent.
        time: of this publication, ISO 8601; only publications.csv has it.

    Returns:
        The front, what is new in one line, and the files: front.csv, front.md, front.tex,
        trials.csv, publications.csv and, for two objectives or more, front.png and front.pdf.

    Raises:
        OSError: the folder cannot be read or written to.
    """
    text, contents = _render(summary, folder, time)
    # A figure of other objectives must not accompany this front.
    files = write_files(folder, contents, optional=_FIGURES if summary.front else ())
    return Publication(summary, text, tuple(files))


def sweep_terminal(publication: Publication, *, notes: bool = True) -> RenderableType:
    """The front of a publication for `rich.console.Console.print`: a table, then the notes.

    A console too narrow for all columns loses dimensions, named below the table, rather than
    digits. Without a front it is the one line that says so.
    """
    from rich.text import Text

    if publication.summary.front is None:
        return Text(publication.text)
    title = f"{publication.summary.title}: {publication.text}"
    return front_grid(publication.summary, title, notes=notes)


def _render(summary: SweepSummary, folder: Path, time: str) -> tuple[str, dict[str, bytes]]:
    """The line of this publication, and every file of it in the order of writing."""
    trials = trials_csv(summary).encode()
    front = summary.front
    if front is None:
        kept = "; the earlier front is kept" if (folder / FRONT_FILE).exists() else ""
        text = f"no front: {state_counts(summary).rstrip('.')}{kept}"
        return text, {_TRIALS_FILE: trials} if summary.rows else {}
    earlier = read_earlier_front(folder, summary)
    text = describe_changes(summary, front, earlier)
    contents = {
        _TRIALS_FILE: trials,
        "front.md": markdown(summary).encode(),
        "front.tex": str(latex(summary)).encode(),
    }
    if len(summary.objectives) > 1:
        from reports.figures.canvas import pdf, png
        from reports.sweep.figure import sweep_figure

        figure = sweep_figure(summary)
        contents |= dict(zip(_FIGURES, (png(figure), pdf(figure)), strict=True))
    log = read_text(folder / LOG_FILE)
    if log is None or not is_unchanged(summary, front, earlier):
        log = append_entry(log, summary, front, time=time, text=text)
    contents[LOG_FILE] = log.encode(errors="surrogateescape")
    # Last, since the next publication compares with it: after a crash it reports the change again.
    contents[FRONT_FILE] = front_csv(summary).encode()
    return text, contents
