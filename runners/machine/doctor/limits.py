"""How many cores there are to use: limits of containers, affinity, cores that are two in one."""

from __future__ import annotations

import math

from runners.machine.doctor.finding import Finding, not_known
from runners.machine.facts import (
    Machine,
    cpu_limit,
    list_cpus,
    online_cpus,
    usable_cores,
    usable_cpus,
)

_TOPOLOGY = "sys/devices/system/cpu/cpu{}/topology/thread_siblings_list"


def check_cpu_limit(machine: Machine) -> Finding:
    """Whether control groups grant less time than the usable cores have."""
    name = "CPU limit"
    limit = cpu_limit(machine)
    if limit is None:
        return not_known(name, "a container may stop threads that use more than their share")
    if math.isinf(limit):
        return Finding(name, "ok", "none", "no control group stops a thread")
    usable = len(usable_cpus(machine)) or usable_cores()
    said = f"{limit:.3g} cores' time for {usable} usable cores"
    if limit >= usable:
        return Finding(name, "ok", said, "enough for every usable core")
    threads = f"--threads {math.floor(limit)}" if limit >= 1 else "no number of threads fits"
    means = f"threads beyond it are stopped for tens of ms; {threads}, or raise docker --cpus"
    return Finding(name, "warn", said, means)


def check_affinity(machine: Machine) -> Finding:
    """Whether this process may use all cores that are on."""
    usable, online = usable_cpus(machine), online_cpus(machine)
    if not usable or not online:
        return not_known("usable cores", "threads beyond the usable cores wait for one another")
    said = f"{len(usable)} of {len(online)}"
    if usable == online:
        return Finding("usable cores", "ok", said, "no affinity or cpuset leaves any out")
    means = "affinity or a cpuset leaves the others out; more threads than usable cores wait"
    return Finding("usable cores", "warn", said, means)


def check_siblings(machine: Machine) -> Finding:
    """Whether usable cores are hardware threads that share one physical core."""
    name = "hardware threads"
    usable = usable_cpus(machine) or online_cpus(machine)
    groups = {cpu: list_cpus(machine.text(_TOPOLOGY.format(cpu)) or "") for cpu in usable}
    if not usable or not all(groups.values()):
        return not_known(name, "two threads on one physical core slow each other")
    cores = len(set(groups.values()))
    if all(len(group) == 1 for group in groups.values()):
        return Finding(name, "ok", f"1 a core, {cores} cores", "no two threads share a core")
    said = f"{len(usable)} usable on {cores} physical cores"
    if cores < len(usable):
        said_how = f"use at most {cores} threads"
    else:
        said_how = "the other half of each core may be someone else's"
    means = f"threads on one core slow each other; {said_how}, or turn SMT off"
    return Finding(name, "warn", said, means)
