"""The log of a sweep's publications, and what has changed on the front since the last one."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from io import StringIO
from math import copysign
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from reports.statistics import hypervolume
from reports.sweep.csv_files import leading_columns, read_front
from reports.sweep.objective import finite_number
from reports.sweep.summary import STATES, SweepFront, SweepSummary, rankable
from reports.tables.records import Row

FRONT_FILE = "front.csv"
LOG_FILE = "publications.csv"
_COLUMNS = (
    "time",
    "finished",
    "pruned",
    "failed",
    "duplicates",
    "front_size",
    "hypervolume",
    "text",
    "objectives",
    "reference",
    "ideal",
)
"""Of the log; its hypervolume refers to the last three columns of the same line."""
Member: TypeAlias = tuple[int, str]
"""Trial and architecture hash: what identifies a point of a front across publications."""


@dataclass(frozen=True)
class EarlierFront:
    """The front of the last publication."""

    members: frozenset[Member] = frozenset()
    points: NDArray[np.float64] | tuple[()] = ()
    finished: int | None = None
    """Trials finished then; None where the log does not tell."""
    problem: str = ""
    """Why it cannot be compared; empty where it can."""


def read_text(path: Path) -> str | None:
    """The text of a file, None where there is no such file; bytes that are not UTF-8 survive."""
    try:
        return path.read_bytes().decode(errors="surrogateescape")
    except FileNotFoundError:
        return None


def read_earlier_front(folder: Path, summary: SweepSummary) -> EarlierFront | None:
    """The last front published in a folder; None where there was none."""
    entry = _last_entry(read_text(folder / LOG_FILE))
    content = read_text(folder / FRONT_FILE)
    if content is None:
        return EarlierFront(problem=f"{FRONT_FILE} is missing") if entry else None
    finished = entry["finished"] if entry else ""
    try:
        members, points = _parse_front(content, summary)
        if entry and entry["objectives"] != _objectives(summary):
            raise ValueError("it has other objectives")
    except ValueError as error:
        return EarlierFront(problem=str(error))
    return EarlierFront(members, points, int(finished) if finished.isdecimal() else None)


def describe_changes(summary: SweepSummary, front: SweepFront, earlier: EarlierFront | None) -> str:
    """What is new since the earlier publication, in one line."""
    finished = summary.counts["finished"]
    size = f"front of {len(front.rows)} of {finished} finished trials"
    if earlier is None:
        return size
    if earlier.problem:
        return f"{size}; not compared with the earlier front: {earlier.problem}"
    members = _members(front.rows)
    if members == earlier.members:
        more = finished - earlier.finished if earlier.finished is not None else None
        since = {None: "", 0: ", no new trials", 1: ", 1 new trial"}.get(
            more, f", {more} new trials"
        )
        return f"front unchanged{since}"
    new, gone = len(members - earlier.members), len(earlier.members - members)
    changes = [f"{new} new on the front"] * bool(new) + [f"{gone} left it"] * bool(gone)
    return ", ".join([*changes, *_growth(summary, front, earlier)])


def is_unchanged(summary: SweepSummary, front: SweepFront, earlier: EarlierFront | None) -> bool:
    """Whether a publication would repeat the last one: as many finished, and the same front."""
    return (
        earlier is not None
        and not earlier.problem
        and earlier.finished == summary.counts["finished"]
        and earlier.members == _members(front.rows)
    )


def append_entry(
    log: str | None, summary: SweepSummary, front: SweepFront, *, time: str, text: str
) -> str:
    """The content of publications.csv (None at first) with one more line; the old one is kept."""
    lines = StringIO(newline="")
    writer = csv.writer(lines, lineterminator="\n")
    if log and not log.endswith("\n"):
        # A truncated line must not swallow the next.
        log += "\n"
    if _last_entry(log) is None:
        writer.writerow(_COLUMNS)
    cells = [
        time,
        *(summary.counts[state] for state in STATES),
        summary.counts.get("duplicate", 0),
        len(front.rows),
        front.hypervolume,
        text,
        _objectives(summary),
        *(_numbers(values) for values in (front.reference, front.ideal)),
    ]
    writer.writerow(cells)
    return (log or "") + lines.getvalue()


def _last_entry(log: str | None) -> dict[str, str] | None:
    """The last line of publications.csv; None where it has none or is something else."""
    try:
        lines = list(csv.reader(StringIO(log or "", newline="")))
    except csv.Error:
        return None
    # Foreign text may precede the header: it was kept when the first publication was appended.
    headers = [index for index, line in enumerate(lines) if tuple(line) == _COLUMNS]
    entries = lines[headers[-1] + 1 :] if headers else []
    complete = [line for line in entries if len(line) == len(_COLUMNS)]
    return dict(zip(_COLUMNS, complete[-1], strict=True)) if complete else None


def _members(rows: Sequence[Row]) -> frozenset[Member]:
    return frozenset((row["trial"], row["architecture_hash"]) for row in rows)


def _objectives(summary: SweepSummary) -> str:
    """Names and directions in one cell."""
    return "; ".join(f"{goal.direction} {goal.name}" for goal in summary.objectives)


def _numbers(values: NDArray[np.float64]) -> str:
    return "; ".join(repr(float(value)) for value in values)


def _growth(summary: SweepSummary, front: SweepFront, earlier: EarlierFront) -> list[str]:
    """The change of the hypervolume; two fronts compare only in the same box, today's."""
    before = hypervolume(earlier.points, summary.directions, front.reference, front.ideal)
    if not before:
        return []
    change = 100 * (front.hypervolume / before - 1)
    if 0 < abs(change) < 0.05:
        return [f"hypervolume less than {copysign(0.1, change):+.1f} %"]
    return [f"hypervolume {change:+.1f} %"]


def _parse_front(
    content: str, summary: SweepSummary
) -> tuple[frozenset[Member], NDArray[np.float64]]:
    """Members and points of a front.csv.

    Raises:
        ValueError: it is not the front of this sweep over these objectives; the message says why.
    """
    damaged = ValueError(f"{FRONT_FILE} is damaged")
    try:
        rows = read_front(content)
        header = list(rows[0])
    except (ValueError, IndexError):
        raise damaged from None
    expected = leading_columns(summary.objectives)
    if header[: len(expected)] != expected:
        same = set(header[: len(expected)]) == set(expected)
        raise ValueError("it has other objectives") if same else damaged
    members = _members(rows)
    if not members <= _members([row for row, _ in rankable(summary.rows, summary.objectives)]):
        raise ValueError("it is of another sweep")
    fields = [objective.field for objective in summary.objectives]
    values = [finite_number(row[field]) for row in rows for field in fields]
    if None in values:
        raise damaged
    return members, np.array(values, dtype=np.float64).reshape(-1, len(fields))
