"""What an earlier publication left in the folder, and what has changed since."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from io import StringIO
from math import copysign
from pathlib import Path
from typing import TypeAlias

from reports.statistics.fronts import hypervolume
from reports.sweep.csv_files import leading, read_front
from reports.sweep.objective import number
from reports.sweep.summary import SweepFront, SweepSummary, placed

FRONT = "front.csv"
PUBLICATIONS = "publications.csv"
COLUMNS = (
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
"""Of publications.csv; the last three say what its hypervolume, of one publication, refers to."""
Member: TypeAlias = tuple[int, str]
"""Trial and architecture hash: what makes a point of a front the same one tomorrow."""


@dataclass(frozen=True)
class Previous:
    """An earlier front; `problem` says why it cannot be compared, and is empty where it can."""

    members: frozenset[Member] = frozenset()
    points: tuple[tuple[float, ...], ...] = ()
    finished: int | None = None
    """Trials finished then; None where publications.csv does not tell."""
    problem: str = ""


def previous(folder: Path, summary: SweepSummary) -> Previous | None:
    """The last front published in a folder; None where there was none."""
    line = last_line(content_of(folder / PUBLICATIONS))
    content = content_of(folder / FRONT)
    if content is None:
        return Previous(problem=f"{FRONT} is missing") if line else None
    finished = line["finished"] if line else ""
    try:
        members, points = _read(content, summary)
        if line and line["objectives"] != objectives_text(summary):
            raise ValueError("it has other objectives")
        return Previous(members, points, int(finished) if finished.isdecimal() else None)
    except ValueError as error:
        return Previous(problem=str(error))


def diff(summary: SweepSummary, front: SweepFront, earlier: Previous | None) -> str:
    """What is new since the earlier publication, in one line."""
    done = summary.counts["finished"]
    first = f"front of {len(front.rows)} of {done} finished trials"
    if earlier is None:
        return first
    if earlier.problem:
        return f"{first}; not compared with the earlier front: {earlier.problem}"
    today = members(front)
    if today == earlier.members:
        more = done - earlier.finished if earlier.finished is not None else None
        since = {None: "", 0: ", no new trials", 1: ", 1 trial more"}.get(
            more, f", {more} trials more"
        )
        return f"front unchanged{since}"
    new, gone = len(today - earlier.members), len(earlier.members - today)
    said = [f"{new} new on the front"] * bool(new) + [f"{gone} left it"] * bool(gone)
    return ", ".join([*said, *_growth(summary, front, earlier)])


def unchanged(summary: SweepSummary, front: SweepFront, earlier: Previous | None) -> bool:
    """Whether a publication would repeat the last one: as many finished, and the same front."""
    return (
        earlier is not None
        and not earlier.problem
        and earlier.finished == summary.counts["finished"]
        and earlier.members == members(front)
    )


def members(front: SweepFront) -> frozenset[Member]:
    """Who is on a front."""
    return frozenset((row["trial"], row["architecture_hash"]) for row in front.rows)


def objectives_text(summary: SweepSummary) -> str:
    """Names and directions in one cell."""
    return "; ".join(f"{each.direction} {each.name}" for each in summary.objectives)


def last_line(content: str | None) -> dict[str, str] | None:
    """The last publication of publications.csv; None where it has none or is something else."""
    try:
        lines = list(csv.reader(StringIO(content or "", newline="")))
    except csv.Error:
        return None
    starts = [place for place, line in enumerate(lines) if tuple(line) == COLUMNS]
    # Something else may stand before: it was kept when the first publication was appended.
    whole = (
        [line for line in lines[starts[-1] + 1 :] if len(line) == len(COLUMNS)] if starts else []
    )
    if not whole:
        return None
    return dict(zip(COLUMNS, whole[-1], strict=True))


def content_of(path: Path) -> str | None:
    """What a file holds, None where there is no such file; bytes that are no UTF-8 survive."""
    try:
        return path.read_bytes().decode(errors="surrogateescape")
    except FileNotFoundError:
        return None


def _growth(summary: SweepSummary, front: SweepFront, earlier: Previous) -> list[str]:
    """Both fronts in today's box: only there do they compare."""
    before = hypervolume(earlier.points, summary.directions, front.reference, front.ideal)
    if not before:
        return []
    change = 100 * (front.hypervolume / before - 1)
    if 0 < abs(change) < 0.05:
        return [f"hypervolume less than {copysign(0.1, change):+.1f} %"]
    return [f"hypervolume {change:+.1f} %"]


def _read(
    content: str, summary: SweepSummary
) -> tuple[frozenset[Member], tuple[tuple[float, ...], ...]]:
    """Members and points of a front.csv.

    Raises:
        ValueError: it is not the front of this sweep over these objectives; the words say why.
    """
    try:
        lines = read_front(content)
        header = list(lines[0])
    except (ValueError, IndexError):
        raise ValueError(f"{FRONT} is damaged") from None
    fixed = leading(summary.objectives)
    if header[: len(fixed)] != fixed:
        same = set(header[: len(fixed)]) == set(fixed)
        raise ValueError("it has other objectives" if same else f"{FRONT} is damaged")
    found = frozenset((line["trial"], line["architecture_hash"]) for line in lines)
    known = {
        (row["trial"], row["architecture_hash"])
        for row, _ in placed(summary.rows, summary.objectives)
    }
    if not found <= known:
        raise ValueError("it is of another sweep")
    points = [tuple(number(line[each.field]) for each in summary.objectives) for line in lines]
    whole = tuple(tuple(v for v in point if v is not None) for point in points)
    if any(len(point) != len(summary.objectives) for point in whole):
        raise ValueError(f"{FRONT} is damaged")
    return found, whole
