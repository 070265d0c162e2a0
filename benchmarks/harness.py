"""What the harness itself adds to a timed call: an empty call is timed as if it were a network.

    python benchmarks/harness.py [--rounds 2000]

Prints the time that each sample contains though nothing was done, and what a round costs beside.
"""

from __future__ import annotations

import argparse
import time
from statistics import median

import numpy as np

from runners.machine.device_lock import lock_for_timing
from runners.measure.timing.latency import Rounds, interleave, time_cpu

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
        found = interleave({name: lambda: _nothing for name in names}, time_cpu, rounds)
        whole_us = (time.perf_counter() - start) * 1e6 / (arguments.rounds * len(names))
    samples = np.concatenate(list(found.ms.values())) * 1e3
    added = median(samples)
    print(
        f"in each timed call {added:.3f} us (median), {np.percentile(samples, 99):.3f} us (99 %); "
        f"goal {GOAL_US:g} us: {'reached' if added <= GOAL_US else 'missed'}"
    )
    print(f"per turn outside the timed call, warm-up calls included: {whole_us - added:.1f} us")


def _nothing() -> None:
    """The cheapest call there is."""


if __name__ == "__main__":
    main()
