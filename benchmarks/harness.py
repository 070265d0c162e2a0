"""Measure the overhead of the timing harness by timing an empty call like a network.

    python benchmarks/harness.py [--rounds 2000]

Prints the overhead inside each timed call, and the cost of a call outside of it.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

import numpy as np

from runners.machine.device_lock import lock_for_timing
from runners.measure.timing.latency import interleave, time_cpu
from runners.measure.timing.protocol import Rounds

GOAL_US = 2.0


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=2000)
    arguments = parser.parse_args()
    names = ("a", "b", "c")
    rounds = Rounds(arguments.rounds, arguments.rounds, 60.0)
    with lock_for_timing("cpu"):
        start = time.perf_counter()
        samples_ms = interleave({name: lambda: _nothing for name in names}, time_cpu, rounds).ms
        total_us = (time.perf_counter() - start) * 1e6 / (arguments.rounds * len(names))
    samples = np.concatenate(list(samples_ms.values())) * 1e3
    overhead_us = median(samples)
    print(
        f"overhead inside a timed call: {overhead_us:.3f} us (median), "
        f"{np.percentile(samples, 99):.3f} us (99th percentile); "
        f"goal {GOAL_US:g} us: {'reached' if overhead_us <= GOAL_US else 'missed'}"
    )
    outside_us = total_us - overhead_us
    print(f"overhead outside a timed call, warm-up calls included: {outside_us:.1f} us")


def _nothing() -> None:
    """Do nothing: the cheapest call possible."""


if __name__ == "__main__":
    main()
