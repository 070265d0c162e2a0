"""What must be said beside a comparison of two runs: what differs, what was left out, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from reports.diff.arm_diff import ArmDiff
from reports.tables.fingerprints import Differing, listed
from reports.tables.records import Row


def diff_notes(
    arms: Sequence[ArmDiff], rows_a: Sequence[Row], rows_b: Sequence[Row], *, forced: bool
) -> list[str]:
    """All notes that apply, warnings first; regressions are not among them.

    Args:
        arms: what `reports.diff.diff.diff_runs` found.
        rows_a: the rows it was made from, before.
        rows_b: the same, after.
        forced: numbers were compared although conditions differ.
    """
    return [
        *_warnings(arms, forced),
        *_latency(arms),
        *_accuracy(arms),
        *_counts(arms),
        f"A: {_code(rows_a)}; B: {_code(rows_b)}.",
    ]


def obstacles(arms: Iterable[ArmDiff]) -> Differing:
    """The conditions that differ between the two sides of any arm, with all their values."""
    return _gathered(each.costs_differing for each in arms)


def other_data(arms: Iterable[ArmDiff]) -> Differing:
    """The fields of the data that differ between the two sides of any arm."""
    return _gathered(each.data_differing for each in arms)


def _warnings(arms: Sequence[ArmDiff], forced: bool) -> list[str]:
    said = []
    asked = "compared all the same, as --force asked" if forced else "not compared"
    if found := obstacles(arms):
        said.append(f"WARNING: latencies and peaks {asked}: {listed(found)}.")
    if found := other_data(arms):
        said.append(f"WARNING: accuracies {asked}: {listed(found)}.")
    if found := _gathered(each.recipe_differing for each in arms):
        said.append(f"WARNING: recipes differ, and accuracies with them: {listed(found)}.")
    changed = [each.arm for each in arms if each.architecture_changed]
    if changed:
        said.append(f"Another architecture in B than in A: {', '.join(changed)}.")
    return said


def _latency(arms: Sequence[ArmDiff]) -> list[str]:
    compared = [each for each in arms if each.latency_ms is not None and not each.latency_withheld]
    if not compared:
        return []
    said = [
        "B / A: ratio of median latencies at batch 1; 95 % bootstrap interval, both runs resampled "
        "apart; “not separable” where it spans 1."
    ]
    single = [
        side
        for side, counts in (
            ("A", [each.processes_before for each in compared]),
            ("B", [each.processes_after for each in compared]),
        )
        if 1 in counts
    ]
    if single:
        said.append(
            f"Latencies of {' and '.join(single)} come from one process: noise between processes "
            "is not in the interval; measure with --processes 4 to have it there."
        )
    return said


def _accuracy(arms: Sequence[ArmDiff]) -> list[str]:
    if all(each.accuracy is None or each.accuracy_withheld for each in arms):
        return []
    return [
        "Change of accuracy: B - A with its 95 % interval, Welch's over seeds where both runs have "
        "several, else from the test images of a single seed (Wilson, Newcombe)."
    ]


def _counts(arms: Sequence[ArmDiff]) -> list[str]:
    said = []
    if any(each.macs is not None for each in arms):
        said.append("MACs and params repeat exactly: a change is one of the network or its count.")
    said += [
        f"MACs of {each.arm} are lower bounds, no rule for {each.macs_uncounted}: no regression."
        for each in arms
        if each.macs_uncounted
    ]
    return said


def _code(rows: Sequence[Row]) -> str:
    """Which code a run was measured with: "commit 0123456789ab with uncommitted changes"."""
    prints = [row["cost_fingerprint"] or row["fingerprint"] or {} for row in rows]
    named = {
        f"commit {each['commit']}{' with uncommitted changes' if each.get('dirty') else ''}"
        for each in prints
        if each.get("commit")
    }
    return ", ".join(sorted(named)) or "commit not recorded"


def _gathered(found: Iterable[Differing | None]) -> Differing:
    together: dict[str, list[Any]] = {}
    for each in found:
        for field, values in (each or {}).items():
            known = together.setdefault(field, [])
            known += [value for value in values if value not in known]
    return together
