"""How costs are measured: part of what a number means."""

from __future__ import annotations

from dataclasses import dataclass, field

from runners.machine.fingerprint import usable_cores
from runners.measure.timing.latency import Rounds


@dataclass(frozen=True)
class MeasurementProtocol:
    """How to measure; part of what a number means.

    Args:
        latency: rounds at batch 1, in each process.
        latency_threads: CPU threads at batch 1.
        throughput_threads: CPU threads at the large batch.
        processes: fresh processes that time, one after the other.
        batch: of the throughput; None climbs a ladder.
        largest_batch: its last rung.
        to_the_edge: climb until memory ends.
        memory_bytes: more than this a CPU process may not take for a batch; 0 is most of what is
            free.
        allow_uncounted: operators without a counting rule mark the row instead of ending it.
    """

    latency: Rounds = field(default_factory=lambda: Rounds(most=100, least=10, budget_s=10.0))
    latency_threads: int = 1
    throughput_threads: int = field(default_factory=usable_cores)
    processes: int = 1
    batch: int | None = None
    largest_batch: int = 256
    to_the_edge: bool = False
    memory_bytes: int = 0
    allow_uncounted: bool = False
