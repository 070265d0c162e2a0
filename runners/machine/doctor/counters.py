"""Counters of the kernel at one moment; two samples tell what happened in between."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Any

from runners.machine.facts import Machine, online_cpus, query_psutil, swap, throttled_periods

_HEAT = "sys/devices/system/cpu/cpu[0-9]*/thermal_throttle/*_throttle_count"


@dataclass(frozen=True)
class CpuTime:
    """Time of one or several CPUs in seconds."""

    busy: float = 0.0
    idle: float = 0.0
    stolen: float = 0.0
    """Wanted here, while the host ran another guest."""

    def __add__(self, other: CpuTime) -> CpuTime:
        return CpuTime(self.busy + other.busy, self.idle + other.idle, self.stolen + other.stolen)

    def __sub__(self, other: CpuTime) -> CpuTime:
        return CpuTime(self.busy - other.busy, self.idle - other.idle, self.stolen - other.stolen)

    @property
    def total(self) -> float:
        return self.busy + self.idle + self.stolen

    @property
    def stolen_share(self) -> float:
        """Share of the time that was wanted; 0 where none was."""
        wanted = self.busy + self.stolen
        return max(self.stolen, 0.0) / wanted if wanted > 0 else 0.0


@dataclass(frozen=True)
class Sample:
    """Everything that counts up; None or empty where this system does not count it."""

    cpu_times: Mapping[int, CpuTime]
    heat_events: int | None
    """How often clocks were lowered because of heat; each core counts itself and its package."""
    throttled_periods: int | None
    """How often a control group was stopped because it had used up its CPU time."""
    swapped_bytes: int | None
    """Moved between memory and swap, in both directions."""

    def since(self, before: Sample, cpus: Set[int]) -> CpuTime:
        """Time that the CPUs in both samples spent between them, summed."""
        common = cpus & before.cpu_times.keys() & self.cpu_times.keys()
        return sum((self.cpu_times[cpu] - before.cpu_times[cpu] for cpu in common), CpuTime())


def take_sample(machine: Machine) -> Sample:
    """Read all counters now."""
    memory = swap()
    events = [machine.number(path) for path in machine.glob(_HEAT)]
    counts = [count for count in events if count is not None]
    return Sample(
        _cpu_times(machine),
        sum(counts) if counts else None,
        throttled_periods(machine),
        memory.sin + memory.sout if memory is not None else None,
    )


def _cpu_times(machine: Machine) -> dict[int, CpuTime]:
    """CPU times by number of the CPU."""
    rows = query_psutil(lambda ps: [_cpu_time(row) for row in ps.cpu_times(percpu=True)]) or []
    numbers = sorted(online_cpus(machine))
    # psutil numbers the online CPUs from 0 without gaps.
    return dict(zip(numbers if len(numbers) == len(rows) else range(len(rows)), rows, strict=True))


def _cpu_time(row: Any) -> CpuTime:
    """From psutil's fields; guests are within user and nice (proc_stat(5))."""
    idle = row.idle + getattr(row, "iowait", 0.0)
    stolen = getattr(row, "steal", 0.0)
    guests = getattr(row, "guest", 0.0) + getattr(row, "guest_nice", 0.0)
    return CpuTime(sum(row) - idle - stolen - guests, idle, stolen)
