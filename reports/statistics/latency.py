"""An arm's latency against a baseline's: paired where both took turns, else each on its own."""

from __future__ import annotations

from typing import Any

from reports.comparison.arm import Row
from reports.statistics.interval import Estimate
from reports.statistics.intervals import ratio_interval, separable, unpaired_ratio_interval
from reports.tables.fingerprints import conditions


def against(costs: Row, baseline: Row) -> dict[str, Any]:
    """The fields `latency_ratio...`, `latency_pairing` and `latency_verdict` of an arm.

    Rounds pair only within one session. Rows of different runs, or of one run on two machines,
    never do: their medians are resampled apart. Rows of one session whose rounds have other
    numbers get no ratio at all.

    Args:
        costs: a row with costs.
        baseline: the baseline's row with costs.
    """
    if not costs["latency_ms_samples"] or not baseline["latency_ms_samples"]:
        return {}
    paired = _one_session(costs, baseline)
    if paired and (rounds(costs), blocks(costs)) != (rounds(baseline), blocks(baseline)):
        return {}
    ratio, low, high = _paired(costs, baseline) if paired else unpaired(costs, baseline)
    return {
        "latency_ratio": ratio,
        "latency_ratio_low": low,
        "latency_ratio_high": high,
        "latency_pairing": "paired" if paired else "unpaired",
        "latency_verdict": verdict(low, high),
    }


def unpaired(after: Row, before: Row) -> Estimate:
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
    """What a ratio interval allows to say: "slower", "faster" or "not separable"."""
    if not separable(low, high):
        return "not separable"
    return "slower" if low > 1 else "faster"


def rounds(costs: Row) -> list[int]:
    """How many rounds each process took; rows of old records say nothing: one process."""
    return list(costs.get("latency_rounds") or [len(costs["latency_ms_samples"])])


def blocks(costs: Row) -> list[int]:
    """How many rounds each placement in memory took; empty where that was not recorded."""
    return list(costs.get("latency_blocks") or ())


def _paired(costs: Row, baseline: Row) -> Estimate:
    samples, others = costs["latency_ms_samples"], baseline["latency_ms_samples"]
    return ratio_interval(samples, others, rounds=rounds(costs), blocks=blocks(costs))


def _one_session(costs: Row, baseline: Row) -> bool:
    same_run = costs.get("run") == baseline.get("run")
    return same_run and conditions(costs) == conditions(baseline)
