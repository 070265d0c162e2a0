"""Which cores there are, and which of them this process may use."""

from __future__ import annotations

import os
import platform
import re

from runners.machine.facts.files import Machine


def usable_cores() -> int:
    """Cores this process may run on, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def usable_cpus(machine: Machine) -> frozenset[int]:
    """Numbers of the CPUs this process may run on: affinity and cpuset; empty where not known."""
    status = machine.text("proc/self/status") or ""
    allowed = re.search(r"^Cpus_allowed_list:(.*)$", status, re.MULTILINE)
    usable = list_cpus(allowed.group(1)) if allowed else frozenset()
    # The mask may name CPUs that could be plugged in later.
    return usable & (online_cpus(machine) or usable)


def online_cpus(machine: Machine) -> frozenset[int]:
    """Numbers of the CPUs that are switched on; empty where not known."""
    return list_cpus(machine.text("sys/devices/system/cpu/online") or "")


def list_cpus(text: str) -> frozenset[int]:
    """The CPUs of a kernel list such as "0-3,8"; empty where the text is no such list."""
    cpus: set[int] = set()
    for part in text.strip().split(","):
        span = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", part.strip())
        if span is None:
            return frozenset()
        cpus.update(range(int(span[1]), int(span[2] or span[1]) + 1))
    return frozenset(cpus)


def cpu_model(machine: Machine) -> str:
    """The processor's name, or at least its kind."""
    info = machine.text("proc/cpuinfo") or ""
    named = re.search(r"^model name[^:\n]*:(.*)$", info, re.MULTILINE)
    return named[1].strip() if named else platform.processor() or platform.machine()
