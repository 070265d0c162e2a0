"""The seeds of one architecture aggregated into one arm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from statistics import fmean, stdev
from typing import Any

import numpy as np

from reports.comparison.arm import Arm
from reports.comparison.latency import blocks, latency_ratio, rounds
from reports.statistics.intervals import mean_interval, wilson_interval
from reports.tables.records import Row


def aggregate_seeds(
    rows: Sequence[Row], baseline: Row | None = None, *, is_baseline: bool = False
) -> Arm:
    """Aggregate the records of one architecture, at least one, into one arm.

    `baseline` is a row with the baseline's costs; None leaves the ratios out.
    """
    states = [row["state"] for row in rows]
    costs = row_with_costs(rows) or {}
    values = {
        **_costs(costs),
        **_ratio(costs, baseline, is_baseline),
        **_accuracy(rows),
        "arm": rows[0]["name"],
        "reconstructed": bool(rows[0]["reconstructed"]),
        "state": _state(states),
        "reason": _reason(rows),
        **{f"seeds_{state}": states.count(state) for state in ("finished", "failed", "pruned")},
    }
    return Arm(**values)


def row_with_costs(rows: Sequence[Row]) -> Row | None:
    """The first row with costs; they are measured once per arm, and all its seeds carry them."""
    return next((row for row in rows if row["macs"] is not None), None)


def tested_rows(rows: Sequence[Row]) -> list[Row]:
    """The seeds whose accuracy counts: a pruned one was not trained to the end."""
    return [row for row in rows if row["state"] == "finished" and row["test_accuracy"] is not None]


def _costs(costs: Row) -> dict[str, Any]:
    """The fields of an arm that its costs determine; most have the same name in both."""
    # Records of protocol 1 lack the newer fields and the form, which was always eager.
    same = {field.name: costs.get(field.name) for field in fields(Arm)}
    copied = {name: value for name, value in same.items() if value is not None}
    samples = costs.get("latency_ms_samples") or []
    return {
        **copied,
        "form": (costs.get("form") or "eager") if costs else "",
        "macs_uncounted": ", ".join(costs.get("macs_uncounted") or ()),
        "macs_range": " to ".join(f"{macs:,}" for macs in costs.get("macs_range") or ()),
        "throughput_batches_tried": len(costs.get("throughput_ladder") or ()) or None,
        "latency_rounds": len(samples) or None,
        "latency_processes": len(rounds(costs)) if samples else None,
        "latency_placements": len(blocks(costs) or rounds(costs)) if samples else None,
        "latency_ms_q1": float(np.percentile(samples, 25)) if samples else None,
        "latency_ms_q3": float(np.percentile(samples, 75)) if samples else None,
        # That of a search is relative to its reference network.
        "latency_ratio": None,
    }


def _state(states: Sequence[str]) -> str:
    if len(set(states)) == 1:
        return states[0]
    return "partial" if "finished" in states else "failed"


def _reason(rows: Sequence[Row]) -> str:
    """Why seeds are missing: once where all agree, else per seed."""
    reasons = {row["seed"]: " ".join(row["reason"].split()) for row in rows if row["reason"]}
    if len(reasons) == len(rows) and len(set(reasons.values())) == 1:
        return next(iter(reasons.values()))
    return "; ".join(f"seed {seed}: {reason}" for seed, reason in reasons.items())


def _ratio(costs: Row, baseline: Row | None, is_baseline: bool) -> dict[str, Any]:
    if not costs or baseline is None:
        return {}
    fields = latency_ratio(costs, baseline)
    return {**fields, "latency_verdict": "baseline"} if fields and is_baseline else fields


def _accuracy(rows: Sequence[Row]) -> dict[str, Any]:
    tested = tested_rows(rows)
    values = [float(row["test_accuracy"]) for row in tested]
    if not values:
        return {}
    if len(values) == 1:
        low, high = wilson_interval(values[0], tested[0]["test_images"])
    else:
        _, low, high = mean_interval(values)
        # Student's t is unbounded; an accuracy is not.
        low, high = max(0.0, low), min(1.0, high)
    return {
        "test_accuracy_mean": fmean(values),
        "test_accuracy_sd": stdev(values) if len(values) > 1 else None,
        "test_accuracy_low": low,
        "test_accuracy_high": high,
        "test_accuracy_interval": "student_t" if len(values) > 1 else "wilson",
    }
