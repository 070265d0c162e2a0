"""Checks of what competes for the machine: other programs, other guests, short memory."""

from __future__ import annotations

from collections.abc import Set

from runners.machine.doctor.counters import CpuTime, Sample
from runners.machine.doctor.finding import Finding, unknown
from runners.machine.facts import available_memory_bytes, query_psutil, swap, total_memory_bytes

BUSY_SHARE = 0.1
"""More of the usable cores than an idle desktop uses."""
STOLEN_SHARE = 0.02
"""Of the time wanted; one tick of half a second's work is just below."""
MIN_MEMORY_BYTES = 2 * 2**30
"""Enough to train a light network with its data set."""


def check_load(before: Sample, after: Sample, cpus: Set[int]) -> Finding:
    """How busy the usable cores were while the doctor slept between the samples."""
    spent = after.since(before, cpus)
    if spent.total <= 0:
        return unknown("other load", "other programs take cores, caches and memory bandwidth")
    share = max(spent.busy, 0.0) / spent.total
    value = f"{share:.0%} of {len(cpus & after.cpu_times.keys())} usable cores busy"
    average = query_psutil(lambda ps: ps.getloadavg()[0])
    value += f", load average {average:.2f}" if average is not None else ""
    if share > BUSY_SHARE:
        meaning = "other programs slow down and scatter timings; stop them, or wait"
        return Finding("other load", "warn", value, meaning)
    return Finding("other load", "ok", value, "no other program competes for the cores")


def check_stolen(before: Sample, after: Sample, cpus: Set[int]) -> Finding:
    """The share of the wanted time, the doctor's own work included, that the host gave away."""
    name = "stolen time"
    spent = after.since(before, cpus)
    if spent.total <= 0:
        return unknown(name, "the host of a virtual machine may run other guests instead")
    overall = sum(after.cpu_times.values(), CpuTime())
    value = f"{spent.stolen_share:.1%} in the sample, {overall.stolen_share:.1%} since boot"
    if spent.stolen_share > STOLEN_SHARE:
        meaning = "the host ran other guests instead; time again later, or on a dedicated machine"
        return Finding(name, "warn", value, meaning)
    return Finding(name, "ok", value, "no other guest of the host took a core")


def check_memory() -> Finding:
    """How much memory is available."""
    available, total = available_memory_bytes(), total_memory_bytes()
    if available is None or not total:
        return unknown("memory", "short memory makes the system swap, or kill the run")
    value = f"{_gib(available)} of {_gib(total)} GiB available"
    if available < MIN_MEMORY_BYTES:
        meaning = "runs may swap or be killed; close other programs"
        return Finding("memory", "warn", value, meaning)
    return Finding("memory", "ok", value, "enough for light networks")


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
    if moved > 0:
        return Finding("swap", "warn", value, "timings include waits for the disk; free memory")
    return Finding("swap", "ok", value, "swapped pages are harmless while none moves")


def _gib(size: int) -> str:
    return f"{size / 2**30:.1f}"
