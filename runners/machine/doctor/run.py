"""All checks, around one second of rest and work."""

from __future__ import annotations

import time
from pathlib import Path

from runners.machine.doctor import checks, devices
from runners.machine.doctor.counters import take_sample
from runners.machine.doctor.finding import Finding
from runners.machine.doctor.scatter import check_scatter
from runners.machine.facts import Machine, usable_cpus

REST_S = 0.5


def run_checks(root: Path = Path("/"), rest_s: float = REST_S) -> list[Finding]:
    """Run all checks: the scatter of timings first, then what could explain it.

    Takes `rest_s` seconds to observe other programs, and about half a second of work of its own.
    /proc and /sys lie below `root`; psutil, the GPU and the scatter are always this machine's.
    """
    machine = Machine(root)
    start = take_sample(machine)
    time.sleep(rest_s)
    # The load is that of others, so it ends here; heat and neighbours show only under work.
    rested = take_sample(machine)
    scatter = check_scatter()
    worked = take_sample(machine)
    cpus = usable_cpus() or frozenset(worked.cpu_times)
    gpu = devices.check_gpu()
    return [
        scatter,
        checks.check_load(start, rested, cpus),
        checks.check_stolen(start, worked, cpus),
        checks.check_turbo(machine),
        checks.check_governor(machine),
        checks.check_temperature(),
        checks.check_heat(start, worked),
        checks.check_cpu_limit(machine),
        checks.check_cpu_stops(start, worked),
        checks.check_affinity(machine),
        checks.check_siblings(machine),
        checks.check_memory(),
        checks.check_swap(start, worked),
        devices.check_virtual(machine),
        devices.check_energy(machine),
        *([gpu] if gpu is not None else []),
    ]
