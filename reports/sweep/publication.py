"""What a publication of a sweep says: its front, its size, and what is new in it."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from reports.comparison.arm import Row
from reports.sweep.previous import COLUMNS, last_line, objectives_text
from reports.sweep.summary import SweepSummary


@dataclass(frozen=True)
class Publication:
    """One publication of a sweep; `front` is empty where no trial had a place on one."""

    summary: SweepSummary = field(repr=False)
    text: str
    """One line: the size of the front at first, later what changed."""
    files: tuple[Path, ...] = ()
    """Of this publication, whether or not they changed."""

    @property
    def front(self) -> tuple[Row, ...]:
        """The trials on the front, by the first cost, in the order of the table's numbers."""
        return self.summary.front.rows if self.summary.front else ()

    @property
    def hypervolume(self) -> float | None:
        """Share of today's box; of several publications only `text` compares it."""
        return self.summary.front.hypervolume if self.summary.front else None

    @property
    def counts(self) -> Mapping[str, int]:
        """Of trials by how they ended."""
        return self.summary.counts


def appended(before: str | None, summary: SweepSummary, *, time: str, text: str) -> str:
    """The content of publications.csv with one more line; nothing of the old is lost.

    Args:
        before: the old content; None where there was none.
        summary: with a front.
        time: of this publication, ISO 8601.
        text: what it says.
    """
    front = summary.front
    assert front is not None
    lines = StringIO(newline="")
    writer = csv.writer(lines, lineterminator="\n")
    if before and not before.endswith("\n"):
        # A line cut short must not swallow the next.
        before += "\n"
    if last_line(before) is None:
        writer.writerow(COLUMNS)
    counts = summary.counts
    cells = [
        time,
        *(counts[state] for state in ("finished", "pruned", "failed")),
        counts.get("duplicate", 0),
        len(front.rows),
        front.hypervolume,
        text,
        objectives_text(summary),
        *(_numbers(values) for values in (front.reference, front.ideal)),
    ]
    writer.writerow(cells)
    return (before or "") + lines.getvalue()


def _numbers(values: NDArray[np.float64]) -> str:
    return "; ".join(repr(float(value)) for value in values)
