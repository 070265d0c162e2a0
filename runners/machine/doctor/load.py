"""Who else works on these cores: other programs here, other guests of the same host."""

from __future__ import annotations

from collections.abc import Set

from runners.machine.doctor.finding import Finding, not_known
from runners.machine.doctor.sample import Sample, Ticks
from runners.machine.facts import Machine

BUSY_SHARE = 0.1
"""More of the usable cores than a desktop at rest takes."""
STOLEN_SHARE = 0.02
"""Of the time wanted; one tick of half a second's work is just below."""


def check_load(machine: Machine, before: Sample, after: Sample, cpus: Set[int]) -> Finding:
    """How busy the usable cores were while the doctor slept between the samples."""
    spent = between(before, after, cpus)
    total = spent.busy + spent.idle + spent.stolen
    if total <= 0:
        return not_known("other load", "other programs take cores, caches and memory bandwidth")
    share = max(spent.busy, 0) / total
    average = (machine.text("proc/loadavg") or "").split()
    said = f"{share:.0%} of {len(cpus & after.ticks.keys())} usable cores busy"
    said += f", load average {average[0]}" if average else ""
    if share > BUSY_SHARE:
        means = "other programs slow what is timed and make it scatter; stop them, or wait"
        return Finding("other load", "warn", said, means)
    return Finding("other load", "ok", said, "nobody else to wait for")


def check_stolen(before: Sample, after: Sample, cpus: Set[int]) -> Finding:
    """How much of the time that was wanted, the doctor's work included, the host gave to others."""
    name = "stolen time"
    spent = between(before, after, cpus)
    if spent.busy + spent.idle + spent.stolen <= 0:
        return not_known(name, "the host of a virtual machine may run its neighbours instead")
    share = _stolen_share(spent)
    ever = _stolen_share(sum((after.ticks[cpu] for cpu in after.ticks), Ticks()))
    said = f"{share:.1%} in the sample, {ever:.1%} since the start"
    if share > STOLEN_SHARE:
        means = "neighbours on the same host ran instead; time again later, or on a machine alone"
        return Finding(name, "warn", said, means)
    return Finding(name, "ok", said, "no neighbour on the same host took a core")


def between(before: Sample, after: Sample, cpus: Set[int]) -> Ticks:
    """What the CPUs did between two samples, summed; those of one sample alone are left out."""
    common = cpus & before.ticks.keys() & after.ticks.keys()
    return sum((after.ticks[cpu] - before.ticks[cpu] for cpu in common), Ticks())


def _stolen_share(spent: Ticks) -> float:
    wanted = spent.busy + spent.stolen
    return max(spent.stolen, 0) / wanted if wanted > 0 else 0.0
