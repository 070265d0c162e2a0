"""Checks of the CPU: clock, heat, limits of containers, affinity, hardware threads."""

from __future__ import annotations

import math

from runners.machine.doctor.counters import Sample
from runners.machine.doctor.finding import Finding, unknown
from runners.machine.facts import (
    TURBO_SWITCHES,
    Machine,
    cpu_limit,
    governor,
    online_cpus,
    parse_cpu_list,
    query_psutil,
    turbo,
    usable_cores,
    usable_cpus,
)

HOT_C = 85.0
"""Above this an idle machine has little margin before it slows down; most do so at 95-105 °C."""

# Disks, radios and batteries have sensors too, whose heat slows no CPU.
_SENSORS = ("coretemp", "k10temp", "zenpower", "cpu", "pkg", "soc", "acpitz")
_PLAUSIBLE_C = (1.0, 150.0)
_SIBLINGS = "sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"


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
    if name == "performance":
        return Finding("governor", "ok", name, "the clock does not wait for load")
    remedy = "for a steady clock: sudo cpupower frequency-set -g performance"
    return Finding("governor", "warn", name, f"the clock rises only under load; {remedy}")


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
    if degrees < HOT_C:
        return Finding("temperature", "ok", value, "well below where the clock is lowered")
    meaning = "close to where the clock is lowered; let the machine cool down"
    return Finding("temperature", "warn", value, meaning)


def check_heat(before: Sample, after: Sample) -> Finding:
    """Whether a core lowered its clock because of heat between the samples."""
    name = "heat throttling"
    if before.heat_events is None or after.heat_events is None:
        return unknown(name, "a hot chip lowers its clock in the middle of a run")
    events = after.heat_events - before.heat_events
    value = f"{events} times in the sample, {after.heat_events} since boot, over all cores"
    if events > 0:
        meaning = "the clock was lowered; improve the cooling, or turn turbo off"
        return Finding(name, "warn", value, meaning)
    if after.heat_events > 0:
        return Finding(name, "ok", value, "not now, but possible in long runs on all cores")
    return Finding(name, "ok", value, "heat has not lowered the clock")


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
    if limit >= usable:
        return Finding(name, "ok", value, "enough for every usable core")
    remedy = f"use --threads {math.floor(limit)}" if limit >= 1 else "no number of threads fits"
    meaning = f"threads beyond it are stopped for tens of ms; {remedy}, or raise docker --cpus"
    return Finding(name, "warn", value, meaning)


def check_cpu_stops(before: Sample, after: Sample) -> Finding:
    """Whether a control group was stopped for using up its CPU time between the samples."""
    name = "stopped by limit"
    if before.throttled_periods is None or after.throttled_periods is None:
        return unknown(name, "a control group with a CPU limit is stopped when it is used up")
    stops = after.throttled_periods - before.throttled_periods
    value = f"{stops} times in the sample, {after.throttled_periods} since boot"
    if stops > 0:
        meaning = "threads were stopped for tens of ms; use fewer threads, or raise the CPU limit"
        return Finding(name, "warn", value, meaning)
    return Finding(name, "ok", value, "no thread was stopped by a CPU limit")


def check_affinity(machine: Machine) -> Finding:
    """Whether this process may use all cores that are online."""
    usable, online = usable_cpus(), online_cpus(machine)
    if not usable or not online:
        return unknown("usable cores", "threads beyond the usable cores wait for one another")
    value = f"{len(usable)} of {len(online)}"
    if usable == online:
        return Finding("usable cores", "ok", value, "no affinity or cpuset excludes a core")
    meaning = "affinity or a cpuset excludes the others; use no more threads than usable cores"
    return Finding("usable cores", "warn", value, meaning)


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
    if cores < len(usable):
        remedy = f"use at most {cores} threads"
    else:
        remedy = "another program may use the other half of each core"
    value = f"{len(usable)} usable on {cores} physical cores"
    meaning = f"threads on one core slow each other; {remedy}, or turn SMT off"
    return Finding(name, "warn", value, meaning)
