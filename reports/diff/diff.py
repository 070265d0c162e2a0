"""Two runs compared arm by arm: what changed, and what noise may explain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from reports.comparison.arm import Arm
from reports.comparison.latency import rounds, unpaired_ratio, verdict
from reports.comparison.seeds import aggregate_seeds, row_with_costs, tested_rows
from reports.diff.arm_diff import ArmDiff, Difference, Ratio
from reports.statistics.intervals import Estimate, difference_interval, welch_interval
from reports.tables.fingerprints import CODE, Differing, differing_fields
from reports.tables.records import Row

_Key: TypeAlias = tuple[str, str]
"""An arm's name and form."""
_Groups: TypeAlias = dict[_Key, list[Row]]


def diff_runs(
    rows_a: Sequence[Row], rows_b: Sequence[Row], *, force: bool = False
) -> list[ArmDiff]:
    """Compare two runs: the arms of A in their order, then those that only B has.

    Arms are matched by name and form, or by name where each run has one form of it. The commits
    may differ; latencies and peaks measured under otherwise different conditions are not compared,
    nor are accuracies of different data.

    Args:
        rows_a: the run before, as `runners.records.record.Record.flat` makes rows.
        rows_b: the run after.
        force: compare those too; what differs is listed in any case.
    """
    before, after = _groups(rows_a), _groups(rows_b)
    matches = {key: _match(key, before, after) for key in before}
    diffs = [
        _one_sided(rows, "A")
        if (other := matches[key]) is None
        else _two_sided(rows, after[other], force)
        for key, rows in before.items()
    ]
    matched = set(matches.values())
    return diffs + [_one_sided(rows, "B") for key, rows in after.items() if key not in matched]


def _groups(rows: Sequence[Row]) -> _Groups:
    groups: _Groups = {}
    for row in rows:
        groups.setdefault((row["name"], row.get("form") or "eager"), []).append(row)
    return groups


def _match(key: _Key, before: _Groups, after: _Groups) -> _Key | None:
    if key in after:
        return key
    forms_before, forms_after = ([k for k in side if k[0] == key[0]] for side in (before, after))
    return forms_after[0] if len(forms_before) == len(forms_after) == 1 else None


def _one_sided(rows: Sequence[Row], side: str) -> ArmDiff:
    arm = aggregate_seeds(rows)
    states = (arm.state, None) if side == "A" else (None, arm.state)
    return ArmDiff(arm.arm, side, *states)


def _two_sided(rows_a: Sequence[Row], rows_b: Sequence[Row], force: bool) -> ArmDiff:
    a, b = aggregate_seeds(rows_a), aggregate_seeds(rows_b)
    return ArmDiff(
        arm=b.arm,
        only_in=None,
        state_before=a.state,
        state_after=b.state,
        failed_after=_newly_failed(a, b),
        architecture_changed=rows_a[0]["architecture_hash"] != rows_b[0]["architecture_hash"],
        params=_ratio(a.params, b.params),
        macs=_ratio(a.macs, b.macs),
        macs_uncounted=", ".join(dict.fromkeys(filter(None, (a.macs_uncounted, b.macs_uncounted)))),
        **_quality(rows_a, rows_b, force),
        **_timing(row_with_costs(rows_a), row_with_costs(rows_b), force),
    )


def _newly_failed(a: Arm, b: Arm) -> str:
    """What failed in B: the whole arm, or a seed where none had failed before."""
    if not a.seeds_finished or not b.seeds_failed or (a.seeds_failed and b.seeds_finished):
        return ""
    extent = f"{b.seeds_failed} of {b.seeds} seeds failed" if b.seeds_finished else "failed"
    return f"{extent}: {b.reason or 'no reason recorded'}"


def _quality(rows_a: Sequence[Row], rows_b: Sequence[Row], force: bool) -> dict[str, Any]:
    tested_a, tested_b = tested_rows(rows_a), tested_rows(rows_b)
    if not tested_a or not tested_b:
        return {}
    a, b = _accuracy(tested_a), _accuracy(tested_b)
    data = differing_fields(
        {field: row[field] for field in ("dataset", "dataset_checksum", "resolution")}
        for row in (tested_a[0], tested_b[0])
    )
    fields = {
        "data_differing": data or None,
        "recipe_differing": differing_fields(row["recipe"] for row in (tested_a[0], tested_b[0]))
        or None,
    }
    if data and not force:
        return {**fields, "accuracy": Difference(a[0], b[0]), "accuracy_verdict": "other data"}
    if len(tested_a) > 1 and len(tested_b) > 1:
        values_a, values_b = (
            [row["test_accuracy"] for row in rows] for rows in (tested_a, tested_b)
        )
        change, low, high = welch_interval(values_b, values_a)
    else:
        change, low, high = difference_interval(b, a)
    claim = "higher" if low > 0 else "lower" if high < 0 else "not separable"
    accuracy = Difference(a[0], b[0], change, low, high)
    return {**fields, "accuracy": accuracy, "accuracy_verdict": claim}


def _accuracy(tested: Sequence[Row]) -> Estimate:
    arm = aggregate_seeds(tested)
    mean, low, high = arm.test_accuracy_mean, arm.test_accuracy_low, arm.test_accuracy_high
    assert mean is not None and low is not None and high is not None
    return mean, low, high


def _timing(a: Row | None, b: Row | None, force: bool) -> dict[str, Any]:
    if a is None or b is None or not a["latency_ms_samples"] or not b["latency_ms_samples"]:
        return {}
    obstacles = differing_fields([_conditions(a), _conditions(b)], ignored=CODE)
    latencies = a["latency_ms_median"], b["latency_ms_median"]
    peak = _ratio(a["peak_memory_bytes"], b["peak_memory_bytes"])
    fields = {
        "costs_differing": obstacles or None,
        "processes_before": len(rounds(a)),
        "processes_after": len(rounds(b)),
    }
    if obstacles and not force:
        return {
            **fields,
            "latency_ms": Ratio(*latencies),
            "latency_verdict": _obstacle_name(obstacles),
            "peak_memory_bytes": peak and replace(peak, ratio=None),
        }
    ratio, low, high = unpaired_ratio(b, a)
    return {
        **fields,
        "latency_ms": Ratio(*latencies, ratio, low, high),
        "latency_verdict": verdict(low, high),
        "peak_memory_bytes": peak,
    }


def _conditions(row: Row) -> dict[str, Any]:
    """What must be equal for latencies to be comparable."""
    own = {"form": row.get("form") or "eager", "latency_threads": row["latency_threads"]}
    return {**(row["cost_fingerprint"] or {}), **own}


def _obstacle_name(obstacles: Differing) -> str:
    """Short name for a cell of the table; the notes list the fields."""
    own = {"form": "other form", "latency_threads": "other threads"}
    return next((own[field] for field in obstacles if set(obstacles) <= set(own)), "other machine")


def _ratio(before: float | None, after: float | None) -> Ratio | None:
    if before is None or after is None:
        return None
    return Ratio(before, after, after / before if before else None)
