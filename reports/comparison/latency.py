"""The latency of an arm relative to the baseline: by paired rounds, or by two runs of their own."""

from __future__ import annotations

from typing import Any

from reports.statistics.intervals import Estimate
from reports.statistics.ratios import is_separable, ratio_interval, unpaired_ratio_interval
from reports.tables.fingerprints import conditions
from reports.tables.records import Row


def latency_ratio(costs: Row, baseline: Row) -> dict[str, Any]:
    """The fields `latency_ratio...`, `latency_pairing` and `latency_verdict` of an arm.

    Rounds pair only within one session. Rows of different runs, or of one run on two machines,
    never do: their medians are resampled independently. Rows of one session with different numbers
    of rounds get no ratio.
    """
    if not costs["latency_ms_samples"] or not baseline["latency_ms_samples"]:
        return {}
    same_run = costs.get("run") == baseline.get("run")
    is_paired = same_run and conditions(costs) == conditions(baseline)
    if is_paired and (rounds(costs), blocks(costs)) != (rounds(baseline), blocks(baseline)):
        return {}
    ratio, low, high = (
        ratio_interval(
            costs["latency_ms_samples"],
            baseline["latency_ms_samples"],
            rounds=rounds(costs),
            blocks=blocks(costs),
        )
        if is_paired
        else unpaired_ratio(costs, baseline)
    )
    return {
        "latency_ratio": ratio,
        "latency_ratio_low": low,
        "latency_ratio_high": high,
        "latency_pairing": "paired" if is_paired else "unpaired",
        "latency_verdict": verdict(low, high),
    }


def unpaired_ratio(after: Row, before: Row) -> Estimate:
    """The ratio of two rows whose rounds do not pair, with its 95 % interval."""
    return unpaired_ratio_interval(
        after["latency_ms_samples"],
        before["latency_ms_samples"],
        after_rounds=rounds(after),
        before_rounds=rounds(before),
        after_blocks=blocks(after),
        before_blocks=blocks(before),
    )


def verdict(low: float, high: float) -> str:
    """The claim that a ratio interval allows: "slower", "faster" or "not separable"."""
    if not is_separable(low, high):
        return "not separable"
    return "slower" if low > 1 else "faster"


def rounds(costs: Row) -> list[int]:
    """Number of rounds of each process; old records lack it: one process."""
    return list(costs.get("latency_rounds") or [len(costs["latency_ms_samples"])])


def blocks(costs: Row) -> list[int]:
    """Number of rounds of each memory placement; empty where it was not recorded."""
    return list(costs.get("latency_blocks") or ())
