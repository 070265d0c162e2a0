"""How costs are measured: part of the meaning of each number."""

from __future__ import annotations

from dataclasses import dataclass, field

from runners.machine.fingerprint import usable_cores
from runners.processes.patience import DEFAULT_PATIENCE_S


@dataclass(frozen=True)
class Rounds:
    """When to stop: at `most` rounds or earlier, but not before `least`.

    Args:
        most: maximal number of rounds.
        least: minimal number of rounds.
        budget_s: seconds after which no further round begins.
        precision: stop once half the width of each variant's 95 % interval over its estimate is
            at most this: of the ratio to the first variant, or of the median of a single one.
            None stops by rounds and seconds only.
    """

    most: int
    least: int
    budget_s: float
    precision: float | None = None


@dataclass(frozen=True)
class MeasurementProtocol:
    """How to measure costs.

    Args:
        latency: rounds at batch 1, in each process.
        latency_threads: CPU threads at batch 1.
        throughput_threads: CPU threads at the large batch.
        processes: fresh processes that time, one after the other.
        batch: batch size of the throughput; None searches for the best one.
        largest_batch: upper limit of that search.
        to_the_edge: continue until memory is exhausted, to find the largest batch.
        memory_bytes: what a CPU process may allocate for a batch; 0 is most of the free memory.
        allow_uncounted: mark rows with operators without a counting rule instead of failing them.
        patience_s: a variant fails whose step of a measurement takes longer; a session of timing
            may take so long for each variant. It decides no number.
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
    patience_s: float = DEFAULT_PATIENCE_S
