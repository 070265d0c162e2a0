"""All checks in a row, around one second of rest and work."""

from __future__ import annotations

import time
from pathlib import Path

from runners.machine.doctor.clocks import check_governor, check_temperature, check_turbo
from runners.machine.doctor.finding import Finding
from runners.machine.doctor.gpu import check_gpu
from runners.machine.doctor.limits import check_affinity, check_cpu_limit, check_siblings
from runners.machine.doctor.load import check_load, check_stolen
from runners.machine.doctor.memory import check_memory, check_swap
from runners.machine.doctor.sample import take_sample
from runners.machine.doctor.scatter import clock_step_ms, judge, summarise, time_fixed_work
from runners.machine.doctor.surroundings import check_energy, check_virtual
from runners.machine.doctor.throttling import check_heat, check_stops
from runners.machine.facts import Machine, usable_cpus

REST_S = 0.5


def examine(root: Path = Path("/"), rest_s: float = REST_S) -> list[Finding]:
    """What each check found: the scatter first, then what could explain it.

    Takes `rest_s` seconds to see who else works, and about half a second of work of its own.

    Args:
        root: where /proc and /sys are; the GPU and the scatter are always this machine's.
        rest_s: how long to watch the others, in seconds.
    """
    machine = Machine(root)
    start = take_sample(machine)
    time.sleep(rest_s)
    # The load is that of others, so it ends here; heat and neighbours show only under work.
    rested = take_sample(machine)
    scatter = judge(summarise(time_fixed_work()), clock_step_ms())
    worked = take_sample(machine)
    cpus = usable_cpus(machine) or frozenset(worked.ticks)
    gpu = check_gpu()
    return [
        scatter,
        check_load(machine, start, rested, cpus),
        check_stolen(start, worked, cpus),
        check_turbo(machine),
        check_governor(machine),
        check_temperature(machine),
        check_heat(start, worked),
        check_cpu_limit(machine),
        check_stops(start, worked),
        check_affinity(machine),
        check_siblings(machine),
        check_memory(machine),
        check_swap(machine, start, worked),
        check_virtual(machine),
        check_energy(machine),
        *([gpu] if gpu is not None else []),
    ]
