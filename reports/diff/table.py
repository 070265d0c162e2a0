"""Two runs side by side as a table with its notes; the regressions stand last."""

from __future__ import annotations

from collections.abc import Sequence

from reports.diff.arm_diff import ArmDiff, Difference, Ratio
from reports.diff.notes import diff_notes
from reports.diff.regression import percent, regressions
from reports.tables.column import Column, ratio_cell
from reports.tables.grid import Grid
from reports.tables.records import Row

_DROPPED_FIRST = ("memory", "latency", "accuracy", "params", "macs")


def diff_grid(
    arms: Sequence[ArmDiff],
    rows_a: Sequence[Row],
    rows_b: Sequence[Row],
    *,
    title: str,
    threshold: float,
    forced: bool,
) -> Grid:
    """The table of a comparison, for a console or as Markdown.

    Args:
        arms: what `reports.diff.diff.diff_runs` found.
        rows_a: the rows it was made from, before.
        rows_b: the same, after.
        title: of the table.
        threshold: above which a change is a regression, a share.
        forced: numbers were compared although conditions differ.
    """
    notes = [*diff_notes(arms, rows_a, rows_b, forced=forced), *verdicts(arms, threshold)]
    return Grid(title, _columns(arms, threshold), notes, _DROPPED_FIRST)


def verdicts(arms: Sequence[ArmDiff], threshold: float) -> list[str]:
    """One line per regression, or one that there is none."""
    found = [
        f"REGRESSION {each.arm}: {what}." for each in arms for what in regressions(each, threshold)
    ]
    if found:
        return found
    withheld = any(each.latency_withheld or each.accuracy_withheld for each in arms)
    where = " in what could be compared" if withheld else ""
    return [f"No regression over {percent(threshold)}{where}."]


def _columns(arms: Sequence[ArmDiff], threshold: float) -> list[Column]:
    names = tuple(" ".join(each.arm.split()) for each in arms)
    status = tuple(_status(each, bool(regressions(each, threshold))) for each in arms)
    peaks = tuple(_counts(each.peak_memory_bytes, 1e6) for each in arms)
    candidates = [
        Column("arm", "Arm", "", names, number=False),
        Column("accuracy", "Accuracy", "%", tuple(_accuracies(each.accuracy) for each in arms)),
        Column("points", "Change", "points", tuple(map(_points, arms))),
        _scaled("macs", "MACs", [each.macs for each in arms]),
        _scaled("params", "Params", [each.params for each in arms]),
        Column("memory", "Peak", "MB", peaks),
        Column("latency", "Latency", "ms", tuple(_latencies(each.latency_ms) for each in arms)),
        Column("ratio", "B / A", "95 % interval", tuple(map(_ratio, arms))),
        Column("verdict", "Verdict", "on B", tuple(each.latency_verdict or "" for each in arms)),
        Column("status", "Status", "", status, number=False),
    ]
    return [column for column in candidates if set(column.cells) != {""}]


def _accuracies(change: Difference | None) -> str:
    return "" if change is None else f"{100 * change.before:.1f} → {100 * change.after:.1f}"


def _points(each: ArmDiff) -> str:
    change = each.accuracy
    if change is None:
        return ""
    if change.difference is None or change.low is None or change.high is None:
        return each.accuracy_verdict or ""
    low, high = 100 * change.low, 100 * change.high
    return f"{100 * change.difference:+.1f} [{low:+.1f}, {high:+.1f}]"


def _scaled(key: str, name: str, changes: Sequence[Ratio | None]) -> Column:
    """In k or M, whichever the largest count of the column asks for."""
    largest = max((max(each.before, each.after) for each in changes if each), default=0)
    scale, unit = (1e3, "k") if largest < 1e6 else (1e6, "M")
    return Column(key, name, unit, tuple(_counts(each, scale) for each in changes))


def _counts(change: Ratio | None, scale: float) -> str:
    """Before and after, once where they agree: "25.0", "25.0 → 27.0 (+8.0 %)"."""
    if change is None:
        return ""
    before, after = _digits(change.before / scale), _digits(change.after / scale)
    if change.before == change.after:
        return after
    if change.ratio is None:
        return f"{before} → {after}"
    return f"{before} → {after} ({100 * (change.ratio - 1):+.1f} %)"


def _latencies(change: Ratio | None) -> str:
    return "" if change is None else f"{_digits(change.before)} → {_digits(change.after)}"


def _digits(value: float) -> str:
    """Three significant ones, or all before the point."""
    return f"{value:#.3g}".rstrip(".") if abs(value) < 999.5 else f"{value:,.0f}"


def _ratio(each: ArmDiff) -> str:
    change = each.latency_ms
    if change is None or change.ratio is None or change.low is None or change.high is None:
        return ""
    claimed = each.latency_verdict != "not separable"
    return ratio_cell(change.ratio, change.low, change.high, claimed=claimed)


def _status(each: ArmDiff, regressed: bool) -> str:
    """What the numbers do not say; a failure's reason follows a colon, where it can be cut."""
    if each.only_in is not None:
        return f"only in {each.only_in}"
    said = ["regression"] * regressed + ["other architecture"] * each.architecture_changed
    if each.failed_after:
        return ", ".join([*said, each.failed_after])
    for side, state in (("A", each.state_before), ("B", each.state_after)):
        if state != "finished":
            said.append(f"{state} in {side}")
    return ", ".join(said)
