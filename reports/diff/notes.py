"""The notes under a diff of two runs: what differs, what is not compared, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from reports.diff.arm_diff import ArmDiff
from reports.tables.fingerprints import Differing, list_values
from reports.tables.records import Row


def diff_notes(
    arms: Sequence[ArmDiff], rows_a: Sequence[Row], rows_b: Sequence[Row], *, forced: bool
) -> list[str]:
    """All notes that apply, warnings first; arguments as in `diff_grid`."""
    return [
        *_warnings(arms, forced),
        *_latency(arms),
        *_accuracy(arms),
        *_counts(arms),
        f"A: {_code(rows_a)}; B: {_code(rows_b)}.",
    ]


def merge_differing(parts: Iterable[Differing | None]) -> Differing:
    """The fields in which the two sides of any arm differ, with all their values."""
    merged: dict[str, list[Any]] = {}
    for part in parts:
        for field, values in (part or {}).items():
            distinct = merged.setdefault(field, [])
            distinct += [value for value in values if value not in distinct]
    return merged


def _warnings(arms: Sequence[ArmDiff], forced: bool) -> list[str]:
    notes = []
    consequence = "are compared because of --force" if forced else "are not compared"
    if fields := merge_differing(arm.costs_differing for arm in arms):
        notes.append(
            f"WARNING: latencies and peaks {consequence}, conditions differ: {list_values(fields)}."
        )
    if fields := merge_differing(arm.data_differing for arm in arms):
        notes.append(f"WARNING: accuracies {consequence}, data differ: {list_values(fields)}.")
    if fields := merge_differing(arm.recipe_differing for arm in arms):
        notes.append(f"WARNING: recipes differ and may explain accuracies: {list_values(fields)}.")
    changed = [arm.arm for arm in arms if arm.architecture_changed]
    if changed:
        notes.append(f"The architecture differs between A and B: {', '.join(changed)}.")
    return notes


def _latency(arms: Sequence[ArmDiff]) -> list[str]:
    compared = [arm for arm in arms if arm.latency_ms is not None and not arm.is_latency_withheld]
    if not compared:
        return []
    notes = [
        "B / A: ratio of median latencies at batch 1 with its 95 % bootstrap interval, both runs "
        "resampled independently; “not separable” where it contains 1."
    ]
    single = [
        side
        for side, counts in (
            ("A", [arm.processes_before for arm in compared]),
            ("B", [arm.processes_after for arm in compared]),
        )
        if 1 in counts
    ]
    if single:
        notes.append(
            f"Latencies of {' and '.join(single)} come from one process: the interval lacks noise "
            "between processes; measure with --processes 4 to include it."
        )
    return notes


def _accuracy(arms: Sequence[ArmDiff]) -> list[str]:
    if all(arm.accuracy is None or arm.is_accuracy_withheld for arm in arms):
        return []
    return [
        "Change of accuracy: B - A with its 95 % interval: Welch's over seeds where both runs have "
        "several, else from the test images of a single seed (Wilson, Newcombe)."
    ]


def _counts(arms: Sequence[ArmDiff]) -> list[str]:
    notes = []
    if any(arm.macs is not None for arm in arms):
        notes.append(
            "MACs and params are deterministic: a change comes from the network or the counting."
        )
    notes += [
        f"MACs of {arm.arm} are lower bounds, without a counting rule for {arm.macs_uncounted}: "
        "they are never a regression."
        for arm in arms
        if arm.macs_uncounted
    ]
    return notes


def _code(rows: Sequence[Row]) -> str:
    """Which code a run was measured with: "commit 0123456789ab with uncommitted changes"."""
    fingerprints = [row["cost_fingerprint"] or row["fingerprint"] or {} for row in rows]
    commits = {
        f"commit {facts['commit']}{' with uncommitted changes' if facts.get('dirty') else ''}"
        for facts in fingerprints
        if facts.get("commit")
    }
    return ", ".join(sorted(commits)) or "commit not recorded"
