"""One arm of a comparison as a row of its table: all seeds of one architecture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

Row: TypeAlias = Mapping[str, Any]
"""One record, flat: the fields of `runners.record.Record.flat`; an absent part is None."""


@dataclass(frozen=True)
class Arm:
    """A row of the table. Accuracies are fractions; a field is None where nothing was measured."""

    arm: str
    reconstructed: bool
    state: str
    """"finished", "failed", "pruned", or "partial": some seeds finished and some did not."""
    reason: str
    seeds_finished: int
    seeds_failed: int
    seeds_pruned: int
    test_accuracy_mean: float | None = None
    test_accuracy_sd: float | None = None
    """Over seeds; None for one seed."""
    test_accuracy_low: float | None = None
    test_accuracy_high: float | None = None
    test_accuracy_interval: str | None = None
    """What the 95 % interval [low, high] is of: "wilson" (test images) or "student_t" (seeds)."""
    params: int | None = None
    macs: int | None = None
    macs_ptflops: int | None = None
    latency_ms_median: float | None = None
    latency_ms_q1: float | None = None
    latency_ms_q3: float | None = None
    latency_ms_min: float | None = None
    latency_rounds: int | None = None
    latency_threads: int | None = None
    latency_ratio: float | None = None
    """Median over the baseline arm's median; low and high of its 95 % interval follow."""
    latency_ratio_low: float | None = None
    latency_ratio_high: float | None = None
    latency_verdict: str | None = None
    """"baseline", "faster", "slower" or "not separable" (the interval spans 1)."""
    throughput_images_per_s: float | None = None
    throughput_batch: int | None = None
    peak_memory_bytes: int | None = None
    on_latency_front: bool = False
    on_macs_front: bool = False
