"""Counters of the kernel at one moment; two samples tell what happened in between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from runners.machine.facts import Machine, stopped_periods


@dataclass(frozen=True)
class Ticks:
    """Time of one or several CPUs in clock ticks of the kernel, mostly of 10 ms."""

    busy: int = 0
    idle: int = 0
    stolen: int = 0
    """Wanted here, but the host ran someone else."""

    def __add__(self, other: Ticks) -> Ticks:
        return Ticks(self.busy + other.busy, self.idle + other.idle, self.stolen + other.stolen)

    def __sub__(self, other: Ticks) -> Ticks:
        return Ticks(self.busy - other.busy, self.idle - other.idle, self.stolen - other.stolen)


@dataclass(frozen=True)
class Sample:
    """Everything that counts up; None where this system does not count it."""

    ticks: Mapping[int, Ticks]
    heat_events: int | None
    """How often clocks were lowered because of heat; each core counts itself and its package."""
    stopped_periods: int | None
    """How often a control group has been stopped for having used up its CPU time."""
    swapped_pages: int | None


def take_sample(machine: Machine) -> Sample:
    """Read all counters now."""
    return Sample(
        parse_stat(machine.text("proc/stat") or ""),
        _heat_events(machine),
        stopped_periods(machine),
        _swapped_pages(machine),
    )


def parse_stat(text: str) -> dict[int, Ticks]:
    """Ticks by CPU from /proc/stat; lines that are no CPU's are left out.

    Source: proc_stat(5): user nice system idle iowait irq softirq steal guest guest_nice, where
    guests are within user and nice.
    """
    found = {}
    for line in text.splitlines():
        name, *words = line.split() or [""]
        number = name.removeprefix("cpu")
        numeric = number.isdecimal() and all(word.isdecimal() for word in words)
        if not name.startswith("cpu") or not numeric or len(words) < 4:
            continue
        values = [*map(int, words), *[0] * 8][:8]
        user, nice, system, idle, waiting, interrupt, soft_interrupt, stolen = values
        busy = user + nice + system + interrupt + soft_interrupt
        found[int(number)] = Ticks(busy, idle + waiting, stolen)
    return found


def _heat_events(machine: Machine) -> int | None:
    paths = machine.matching("sys/devices/system/cpu/cpu[0-9]*/thermal_throttle/*_throttle_count")
    counts = [count for path in paths if (count := machine.number(path)) is not None]
    return sum(counts) if counts else None


def _swapped_pages(machine: Machine) -> int | None:
    counts = machine.table("proc/vmstat")
    if "pswpin" not in counts or "pswpout" not in counts:
        return None
    return counts["pswpin"] + counts["pswpout"]
