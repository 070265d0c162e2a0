"""Two runs arm by arm: what changed between them, and what noise may explain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

from reports.comparison.arm import Arm
from reports.comparison.latency import rounds, unpaired_ratio, verdict
from reports.comparison.seeds import tested, together, with_costs
from reports.diff.arm_diff import ArmDiff, Difference, Ratio
from reports.statistics.intervals import Estimate, difference_interval, welch_interval
from reports.tables.fingerprints import CODE, Differing, differing
from reports.tables.records import Row

_Key: TypeAlias = tuple[str, str]
"""An arm's name and form."""
_Groups: TypeAlias = dict[_Key, list[Row]]


def diff_runs(
    rows_a: Sequence[Row], rows_b: Sequence[Row], *, force: bool = False
) -> list[ArmDiff]:
    """Compare two runs: the arms of A in their order, then those that only B has.

    An arm is found again by its name and form, or by its name where each run has one form of it.
    Commits are what is compared; latencies and peaks taken under otherwise different conditions
    are not, nor are accuracies of different data.

    Args:
        rows_a: the run before, as `runners.records.record.Record.flat` makes rows.
        rows_b: the run after.
        force: compare those too; what differs is listed all the same.
    """
    before, after = _groups(rows_a), _groups(rows_b)
    partners = {key: _partner(key, before, after) for key in before}
    found = [
        _alone(rows, "A") if (other := partners[key]) is None else _both(rows, after[other], force)
        for key, rows in before.items()
    ]
    taken = set(partners.values())
    return found + [_alone(rows, "B") for key, rows in after.items() if key not in taken]


def _groups(rows: Sequence[Row]) -> _Groups:
    found: _Groups = {}
    for row in rows:
        found.setdefault((row["name"], row.get("form") or "eager"), []).append(row)
    return found


def _partner(key: _Key, before: _Groups, after: _Groups) -> _Key | None:
    if key in after:
        return key
    forms_before, forms_after = ([k for k in side if k[0] == key[0]] for side in (before, after))
    return forms_after[0] if len(forms_before) == len(forms_after) == 1 else None


def _alone(rows: Sequence[Row], side: str) -> ArmDiff:
    arm = together(rows)
    states = (arm.state, None) if side == "A" else (None, arm.state)
    return ArmDiff(arm.arm, side, *states)


def _both(rows_a: Sequence[Row], rows_b: Sequence[Row], force: bool) -> ArmDiff:
    a, b = together(rows_a), together(rows_b)
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
        **_timing(with_costs(rows_a), with_costs(rows_b), force),
    )


def _newly_failed(a: Arm, b: Arm) -> str:
    """What became worse: a whole arm, or a seed where there was no failed one before."""
    if not a.seeds_finished or not b.seeds_failed or (a.seeds_failed and b.seeds_finished):
        return ""
    total = b.seeds_finished + b.seeds_failed + b.seeds_pruned
    extent = f"{b.seeds_failed} of {total} seeds failed" if b.seeds_finished else "failed"
    return f"{extent}: {b.reason or 'no reason recorded'}"


def _quality(rows_a: Sequence[Row], rows_b: Sequence[Row], force: bool) -> dict[str, Any]:
    done_a, done_b = tested(rows_a), tested(rows_b)
    if not done_a or not done_b:
        return {}
    a, b = _accuracy(done_a), _accuracy(done_b)
    data = differing(
        {field: row[field] for field in ("dataset", "dataset_checksum", "resolution")}
        for row in (done_a[0], done_b[0])
    )
    found = {
        "data_differing": data or None,
        "recipe_differing": differing([done_a[0]["recipe"], done_b[0]["recipe"]]) or None,
    }
    if data and not force:
        return {**found, "accuracy": Difference(a[0], b[0]), "accuracy_verdict": "other data"}
    several = len(done_a) > 1 and len(done_b) > 1
    change, low, high = (
        welch_interval(_values(done_b), _values(done_a)) if several else difference_interval(b, a)
    )
    said = "higher" if low > 0 else "lower" if high < 0 else "not separable"
    accuracy = Difference(a[0], b[0], change, low, high)
    return {**found, "accuracy": accuracy, "accuracy_verdict": said}


def _accuracy(done: Sequence[Row]) -> Estimate:
    arm = together(done)
    mean, low, high = arm.test_accuracy_mean, arm.test_accuracy_low, arm.test_accuracy_high
    assert mean is not None and low is not None and high is not None
    return mean, low, high


def _values(done: Sequence[Row]) -> list[float]:
    return [float(row["test_accuracy"]) for row in done]


def _timing(a: Row | None, b: Row | None, force: bool) -> dict[str, Any]:
    if a is None or b is None or not a["latency_ms_samples"] or not b["latency_ms_samples"]:
        return {}
    obstacles = differing([_conditions(a), _conditions(b)], ignored=CODE)
    latencies = a["latency_ms_median"], b["latency_ms_median"]
    peak = _ratio(a["peak_memory_bytes"], b["peak_memory_bytes"])
    found = {
        "costs_differing": obstacles or None,
        "processes_before": len(rounds(a)),
        "processes_after": len(rounds(b)),
    }
    if obstacles and not force:
        return {
            **found,
            "latency_ms": Ratio(*latencies),
            "latency_verdict": _obstacle(obstacles),
            "peak_memory_bytes": peak and replace(peak, ratio=None),
        }
    ratio, low, high = unpaired_ratio(b, a)
    return {
        **found,
        "latency_ms": Ratio(*latencies, ratio, low, high),
        "latency_verdict": verdict(low, high),
        "peak_memory_bytes": peak,
    }


def _conditions(row: Row) -> dict[str, Any]:
    """What must be equal for latencies to be held against each other."""
    own = {"form": row.get("form") or "eager", "latency_threads": row["latency_threads"]}
    return {**(row["cost_fingerprint"] or {}), **own}


def _obstacle(obstacles: Differing) -> str:
    """In two words for a cell; the notes have the fields."""
    own = {"form": "other form", "latency_threads": "other threads"}
    return next((own[field] for field in obstacles if set(obstacles) <= set(own)), "other machine")


def _ratio(before: float | None, after: float | None) -> Ratio | None:
    if before is None or after is None:
        return None
    return Ratio(before, after, after / before if before else None)
