"""The seeds of one architecture, taken together as one arm."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean, stdev
from typing import Any

import numpy as np

from reports.comparison.arm import Arm
from reports.comparison.latency import blocks, latency_ratio, rounds
from reports.statistics.intervals import mean_interval, wilson_interval
from reports.tables.records import Row

_COSTS = (
    "form_seconds",
    "parity",
    "params",
    "macs",
    "macs_ptflops",
    "latency_ms_median",
    "latency_ms_min",
    "latency_threads",
    "throughput_images_per_s",
    "throughput_batch",
    "throughput_threads",
    "largest_batch",
    "out_of_memory_batch",
    "peak_memory_bytes",
    "peak_training_memory_bytes",
    "training_memory_batch",
    "energy_mj_per_image",
)

_WORDS = ("form_note", "latency_stopped", "training_memory_reason", "energy_source")


def together(rows: Sequence[Row], baseline: Row | None = None, *, first: bool = False) -> Arm:
    """Take the records of one architecture together as one arm.

    Args:
        rows: the seeds of one arm, at least one.
        baseline: a row with the baseline's costs; None leaves the ratios out.
        first: this arm is the baseline.
    """
    states = [row["state"] for row in rows]
    costs = with_costs(rows) or {}
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
        latency_processes=len(rounds(costs)) if samples else None,
        latency_placements=len(blocks(costs) or rounds(costs)) if samples else None,
        latency_ms_q1=float(np.percentile(samples, 25)) if samples else None,
        latency_ms_q3=float(np.percentile(samples, 75)) if samples else None,
        **_ratio(costs, baseline, first),
        **_accuracy(rows),
    )


def with_costs(rows: Sequence[Row]) -> Row | None:
    """The row whose costs stand for the arm: the cost phase runs once, all seeds carry the same."""
    return next((row for row in rows if row["macs"] is not None), None)


def tested(rows: Sequence[Row]) -> list[Row]:
    """The seeds whose accuracy counts: a pruned one was not trained to its end."""
    return [row for row in rows if row["state"] == "finished" and row["test_accuracy"] is not None]


def _costs(costs: Row) -> dict[str, Any]:
    # Records of protocol 1 lack the newer fields, and knew one form.
    return {
        **{field: costs.get(field) for field in _COSTS},
        **{field: costs.get(field) or "" for field in _WORDS},
        "form": (costs.get("form") or "eager") if costs else "",
        "macs_uncounted": ", ".join(costs.get("macs_uncounted") or ()),
        "throughput_batches_tried": len(costs.get("throughput_ladder") or ()) or None,
    }


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


def _ratio(costs: Row, baseline: Row | None, first: bool) -> dict[str, Any]:
    if not costs or baseline is None:
        return {}
    found = latency_ratio(costs, baseline)
    return {**found, "latency_verdict": "baseline"} if found and first else found


def _accuracy(rows: Sequence[Row]) -> dict[str, Any]:
    done = tested(rows)
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
