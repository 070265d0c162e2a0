"""The seeds of one architecture, taken together as one arm."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev
from typing import Any

import numpy as np

from reports.arm import Arm, Row
from reports.statistics import mean_interval, ratio_interval, separable, wilson_interval

_COSTS = (
    "params",
    "macs",
    "macs_ptflops",
    "latency_ms_median",
    "latency_ms_min",
    "latency_threads",
    "throughput_images_per_s",
    "throughput_batch",
    "peak_memory_bytes",
)


def together(rows: Sequence[Row], baseline: Sequence[float] | None, *, first: bool = False) -> Arm:
    """Take the records of one architecture together as one arm.

    Args:
        rows: the seeds of one arm, at least one.
        baseline: the latency samples of the baseline arm in ms, or None where it has none.
        first: this arm is the baseline.
    """
    states = [row["state"] for row in rows]
    # The cost phase runs once per arm: every seed that has costs carries the same ones.
    costs: Row = next((row for row in rows if row["macs"] is not None), {})
    samples = costs.get("latency_ms_samples") or []
    return Arm(
        arm=rows[0]["name"],
        reconstructed=bool(rows[0]["reconstructed"]),
        state=_state(states),
        reason=_reason(rows),
        seeds_finished=states.count("finished"),
        seeds_failed=states.count("failed"),
        seeds_pruned=states.count("pruned"),
        **_costs(costs),
        latency_rounds=len(samples) or None,
        latency_ms_q1=float(np.percentile(samples, 25)) if samples else None,
        latency_ms_q3=float(np.percentile(samples, 75)) if samples else None,
        **_ratio(samples, baseline, first),
        **_accuracy(rows),
    )


def _costs(costs: Row) -> dict[str, Any]:
    return {field: costs.get(field) for field in _COSTS}


def _state(states: Sequence[str]) -> str:
    if len(set(states)) == 1:
        return states[0]
    return "partial" if "finished" in states else "failed"


def _reason(rows: Sequence[Row]) -> str:
    """Why seeds are missing: once where all agree, else each with its seed."""
    given = {row["seed"]: " ".join(row["reason"].split()) for row in rows if row["reason"]}
    if len(given) == len(rows) and len(set(given.values())) == 1:
        return next(iter(given.values()))
    return "; ".join(f"seed {seed}: {why}" for seed, why in given.items())


def _ratio(
    samples: Sequence[float], baseline: Sequence[float] | None, first: bool
) -> dict[str, Any]:
    # Rounds pair only within one cost phase; an arm with other rounds gets no ratio at all.
    if not samples or baseline is None or len(samples) != len(baseline):
        return {}
    ratio, low, high = ratio_interval(samples, baseline)
    verdict = "slower" if low > 1 else "faster"
    if not separable(low, high):
        verdict = "not separable"
    return {
        "latency_ratio": ratio,
        "latency_ratio_low": low,
        "latency_ratio_high": high,
        "latency_verdict": "baseline" if first else verdict,
    }


def _accuracy(rows: Sequence[Row]) -> dict[str, Any]:
    done = [row for row in rows if row["state"] == "finished" and row["test_accuracy"] is not None]
    values = [float(row["test_accuracy"]) for row in done]
    if not values:
        return {}
    if len(values) == 1:
        low, high = wilson_interval(values[0], done[0]["test_images"])
    else:
        _, low, high = mean_interval(values)
        # Student's t knows no bounds; an accuracy does.
        low, high = max(0.0, low), min(1.0, high)
    return {
        "test_accuracy_mean": fmean(values),
        "test_accuracy_sd": stdev(values) if len(values) > 1 else None,
        "test_accuracy_low": low,
        "test_accuracy_high": high,
        "test_accuracy_interval": "student_t" if len(values) > 1 else "wilson",
    }
