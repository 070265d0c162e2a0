"""The diff of two runs as a table with its notes; the regressions come last."""

from __future__ import annotations

from collections.abc import Sequence

from reports.diff.arm_diff import ArmDiff, Difference, Ratio, find_regressions, format_percent
from reports.diff.notes import diff_notes
from reports.tables.column import Column, ratio_cell, unit_of
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
    """The table of a diff, for a console or as Markdown.

    Args:
        arms: the result of `diff_runs`.
        rows_a: the rows it was made from, before.
        rows_b: the same, after.
        title: of the table.
        threshold: above which a change is a regression, a share.
        forced: as `force` in `diff_runs`.
    """
    notes = [*diff_notes(arms, rows_a, rows_b, forced=forced), *regression_notes(arms, threshold)]
    return Grid(title, _columns(arms, threshold), notes, _DROPPED_FIRST)


def regression_notes(arms: Sequence[ArmDiff], threshold: float) -> list[str]:
    """One note per regression, or one that says that there is none."""
    notes = [
        f"REGRESSION {arm.arm}: {text}."
        for arm in arms
        for text in find_regressions(arm, threshold)
    ]
    if notes:
        return notes
    is_partial = any(arm.is_latency_withheld or arm.is_accuracy_withheld for arm in arms)
    where = " in what could be compared" if is_partial else ""
    return [f"No regression over {format_percent(threshold)}{where}."]


def _columns(arms: Sequence[ArmDiff], threshold: float) -> list[Column]:
    names = tuple(" ".join(arm.arm.split()) for arm in arms)
    status = tuple(_status(arm, bool(find_regressions(arm, threshold))) for arm in arms)
    peaks = tuple(_counts(arm.peak_memory_bytes, 1e6) for arm in arms)
    columns = [
        Column("arm", "Arm", "", names, number=False),
        Column("accuracy", "Accuracy", "%", tuple(_accuracies(arm.accuracy) for arm in arms)),
        Column("points", "Change", "points", tuple(map(_points, arms))),
        _scaled("macs", "MACs", [arm.macs for arm in arms]),
        _scaled("params", "Params", [arm.params for arm in arms]),
        Column("memory", "Peak", "MB", peaks),
        Column("latency", "Latency", "ms", tuple(_latencies(arm.latency_ms) for arm in arms)),
        Column("ratio", "B / A", "95 % interval", tuple(map(_ratio, arms))),
        Column("verdict", "Verdict", "on B", tuple(arm.latency_verdict or "" for arm in arms)),
        Column("status", "Status", "", status, number=False),
    ]
    return [column for column in columns if set(column.cells) != {""}]


def _accuracies(change: Difference | None) -> str:
    return "" if change is None else f"{100 * change.before:.1f} → {100 * change.after:.1f}"


def _points(arm: ArmDiff) -> str:
    change = arm.accuracy
    if change is None:
        return ""
    if change.difference is None or change.low is None or change.high is None:
        return arm.accuracy_verdict or ""
    low, high = 100 * change.low, 100 * change.high
    return f"{100 * change.difference:+.1f} [{low:+.1f}, {high:+.1f}]"


def _scaled(key: str, name: str, changes: Sequence[Ratio | None]) -> Column:
    """A column in k or M, by its largest count."""
    largest = max((max(change.before, change.after) for change in changes if change), default=0)
    scale, unit = unit_of(largest)
    return Column(key, name, unit, tuple(_counts(change, scale) for change in changes))


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
    """Three significant digits, or all before the point."""
    return f"{value:#.3g}".rstrip(".") if abs(value) < 999.5 else f"{value:,.0f}"


def _ratio(arm: ArmDiff) -> str:
    change = arm.latency_ms
    if change is None or change.ratio is None or change.low is None or change.high is None:
        return ""
    claimed = arm.latency_verdict != "not separable"
    return ratio_cell(change.ratio, change.low, change.high, claimed=claimed)


def _status(arm: ArmDiff, is_regression: bool) -> str:
    """What the numbers do not tell; the reason of a failure follows a colon and can be cut."""
    if arm.only_in is not None:
        return f"only in {arm.only_in}"
    parts = ["regression"] * is_regression + ["other architecture"] * arm.architecture_changed
    if arm.failed_after:
        return ", ".join([*parts, arm.failed_after])
    for side, state in (("A", arm.state_before), ("B", arm.state_after)):
        if state != "finished":
            parts.append(f"{state} in {side}")
    return ", ".join(parts)
