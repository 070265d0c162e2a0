"""All checks, and those of the CPU and its load: clock, heat, limits, other programs, memory."""

from __future__ import annotations

import math
import time
from collections.abc import Set
from pathlib import Path

from runners.machine.doctor.counters import CpuTime, Sample, take_sample
from runners.machine.doctor.devices import check_energy, check_gpu, check_virtual
from runners.machine.doctor.finding import Finding, judge, unknown
from runners.machine.doctor.scatter import check_scatter
from runners.machine.facts import (
    TURBO_SWITCHES,
    Machine,
    available_memory_bytes,
    cpu_limit,
    governor,
    online_cpus,
    parse_cpu_list,
    query_psutil,
    swap,
    total_memory_bytes,
    turbo,
    usable_cores,
    usable_cpus,
)

REST_S = 0.5
BUSY_SHARE = 0.1
"""More of the usable cores than an idle desktop uses."""
STOLEN_SHARE = 0.02
"""Of the time wanted; one tick of half a second's work is just below."""
MIN_MEMORY_BYTES = 2 * 2**30
"""Enough to train a light network with its data set."""
HOT_C = 85.0
"""Above this an idle machine has little margin before it slows down; most do so at 95-105 °C."""

# Disks, radios and batteries have sensors too, whose heat slows no CPU.
_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu", "pkg", "soc", "acpitz")
_PLAUSIBLE_C = (1.0, 150.0)
_SIBLINGS = "sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"


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
    gpu = check_gpu()
    return [
        scatter,
        check_load(start, rested, cpus),
        check_stolen(start, worked, cpus),
        check_turbo(machine),
        check_governor(machine),
        check_temperature(),
        check_heat(start, worked),
        check_cpu_limit(machine),
        check_cpu_stops(start, worked),
        check_affinity(machine),
        check_siblings(machine),
        check_memory(),
        check_swap(start, worked),
        check_virtual(machine),
        check_energy(machine),
        *([gpu] if gpu is not None else []),
    ]


def check_load(before: Sample, after: Sample, cpus: Set[int]) -> Finding:
    """How busy the usable cores were while the doctor slept between the samples."""
    spent = after.since(before, cpus)
    if spent.total <= 0:
        return unknown("other load", "other programs take cores, caches and memory bandwidth")
    share = max(spent.busy, 0.0) / spent.total
    value = f"{share:.0%} of {len(cpus & after.cpu_times.keys())} usable cores busy"
    average = query_psutil(lambda ps: ps.getloadavg()[0])
    value += f", load average {average:.2f}" if average is not None else ""
    problem = "other programs slow down and scatter timings; stop them, or wait"
    fine = "no other program competes for the cores"
    return judge("other load", share <= BUSY_SHARE, value, fine, problem)


def check_stolen(before: Sample, after: Sample, cpus: Set[int]) -> Finding:
    """The share of the wanted time, the doctor's own work included, that the host gave away."""
    name = "stolen time"
    spent = after.since(before, cpus)
    if spent.total <= 0:
        return unknown(name, "the host of a virtual machine may run other guests instead")
    overall = sum(after.cpu_times.values(), CpuTime())
    value = f"{spent.stolen_share:.1%} in the sample, {overall.stolen_share:.1%} since boot"
    problem = "the host ran other guests instead; time again later, or on a dedicated machine"
    fine = "no other guest of the host took a core"
    return judge(name, spent.stolen_share <= STOLEN_SHARE, value, fine, problem)


def check_memory() -> Finding:
    """How much memory is available."""
    available, total = available_memory_bytes(), total_memory_bytes()
    if available is None or not total:
        return unknown("memory", "short memory makes the system swap, or kill the run")
    value = f"{_gib(available)} of {_gib(total)} GiB available"
    problem = "runs may swap or be killed; close other programs"
    is_enough = available >= MIN_MEMORY_BYTES
    return judge("memory", is_enough, value, "enough for light networks", problem)


def check_swap(before: Sample, after: Sample) -> Finding:
    """Whether pages moved between memory and disk between the samples."""
    memory = swap()
    if memory is not None and memory.total == 0:
        return Finding("swap", "ok", "none", "no page can move to disk")
    if memory is None or before.swapped_bytes is None or after.swapped_bytes is None:
        return unknown("swap", "pages that return from disk stop a thread for milliseconds")
    moved = after.swapped_bytes - before.swapped_bytes
    value = f"{_gib(memory.used)} of {_gib(memory.total)} GiB in use"
    value += f", {moved // 1024} KiB moved in the sample"
    problem = "timings include waits for the disk; free memory"
    return judge("swap", moved <= 0, value, "swapped pages are harmless while none moves", problem)


def check_turbo(machine: Machine) -> Finding:
    """Whether the clock may rise above what the CPU can sustain."""
    state = turbo(machine)
    if state == "":
        return unknown("turbo", "a boosted clock falls as the chip warms up")
    if state == "off":
        return Finding("turbo", "ok", "off", "the clock does not depend on heat or idle cores")
    remedy = "turn the boost off in the firmware or in cpufreq/policy*/boost"
    for path, on in TURBO_SWITCHES.items():
        if machine.exists(path):
            remedy = f"for a steady clock: echo {1 - int(on)} | sudo tee /{path}"
    meaning = f"the CPU is faster while it is cool or other cores are idle; {remedy}"
    return Finding("turbo", "warn", "on", meaning)


def check_governor(machine: Machine) -> Finding:
    """Whether all CPUs run at one clock whatever the load."""
    name = governor(machine)
    if name == "":
        return unknown("governor", "a governor other than performance starts each burst slowly")
    remedy = "for a steady clock: sudo cpupower frequency-set -g performance"
    problem = f"the clock rises only under load; {remedy}"
    fine = "the clock does not wait for load"
    return judge("governor", name == "performance", name, fine, problem)


def check_temperature() -> Finding:
    """How warm the hottest sensor of the CPU is."""
    temperatures = [
        (entry.current, name)
        for name, entries in (query_psutil(lambda ps: ps.sensors_temperatures()) or {}).items()
        for entry in entries
        if any(word in name.lower() for word in _SENSORS)
        and _PLAUSIBLE_C[0] < entry.current < _PLAUSIBLE_C[1]
    ]
    if not temperatures:
        return unknown("temperature", "a hot chip lowers its clock")
    degrees, name = max(temperatures)
    value = f"{degrees:.0f} °C ({name})"
    problem = "close to where the clock is lowered; let the machine cool down"
    fine = "well below where the clock is lowered"
    return judge("temperature", degrees < HOT_C, value, fine, problem)


def check_heat(before: Sample, after: Sample) -> Finding:
    """Whether a core lowered its clock because of heat between the samples."""
    name = "heat throttling"
    if before.heat_events is None or after.heat_events is None:
        return unknown(name, "a hot chip lowers its clock in the middle of a run")
    events = after.heat_events - before.heat_events
    value = f"{events} times in the sample, {after.heat_events} since boot, over all cores"
    problem = "the clock was lowered; improve the cooling, or turn turbo off"
    fine = "heat has not lowered the clock"
    if after.heat_events > 0:
        fine = "not now, but possible in long runs on all cores"
    return judge(name, events <= 0, value, fine, problem)


def check_cpu_limit(machine: Machine) -> Finding:
    """Whether control groups grant less CPU time than the usable cores have."""
    name = "CPU limit"
    limit = cpu_limit(machine)
    if limit is None:
        return unknown(name, "a container may stop threads that use more than their share")
    if math.isinf(limit):
        return Finding(name, "ok", "none", "no control group stops a thread")
    usable = usable_cores()
    value = f"CPU time of {limit:.3g} cores for {usable} usable cores"
    remedy = f"use --threads {math.floor(limit)}" if limit >= 1 else "no number of threads fits"
    problem = f"threads beyond it are stopped for tens of ms; {remedy}, or raise docker --cpus"
    return judge(name, limit >= usable, value, "enough for every usable core", problem)


def check_cpu_stops(before: Sample, after: Sample) -> Finding:
    """Whether a control group was stopped for using up its CPU time between the samples."""
    name = "stopped by limit"
    if before.throttled_periods is None or after.throttled_periods is None:
        return unknown(name, "a control group with a CPU limit is stopped when it is used up")
    stops = after.throttled_periods - before.throttled_periods
    value = f"{stops} times in the sample, {after.throttled_periods} since boot"
    problem = "threads were stopped for tens of ms; use fewer threads, or raise the CPU limit"
    return judge(name, stops <= 0, value, "no thread was stopped by a CPU limit", problem)


def check_affinity(machine: Machine) -> Finding:
    """Whether this process may use all cores that are online."""
    usable, online = usable_cpus(), online_cpus(machine)
    if not usable or not online:
        return unknown("usable cores", "threads beyond the usable cores wait for one another")
    value = f"{len(usable)} of {len(online)}"
    problem = "affinity or a cpuset excludes the others; use no more threads than usable cores"
    fine = "no affinity or cpuset excludes a core"
    return judge("usable cores", usable == online, value, fine, problem)


def check_siblings(machine: Machine) -> Finding:
    """Whether usable cores are hardware threads that share one physical core."""
    name = "hardware threads"
    usable = usable_cpus() or online_cpus(machine)
    groups = {cpu: parse_cpu_list(machine.text(_SIBLINGS.format(cpu)) or "") for cpu in usable}
    if not usable or not all(groups.values()):
        return unknown(name, "two threads on one physical core slow each other")
    cores = len(set(groups.values()))
    if all(len(group) == 1 for group in groups.values()):
        return Finding(name, "ok", f"1 per core, {cores} cores", "no two threads share a core")
    remedy = "another program may use the other half of each core"
    if cores < len(usable):
        remedy = f"use at most {cores} threads"
    value = f"{len(usable)} usable on {cores} physical cores"
    meaning = f"threads on one core slow each other; {remedy}, or turn SMT off"
    return Finding(name, "warn", value, meaning)


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f}"
