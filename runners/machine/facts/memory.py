"""How much memory there is."""

from __future__ import annotations

import os

from runners.machine.facts.files import Machine

_KIB = 1024


def memory_sizes(machine: Machine) -> dict[str, int]:
    """Bytes by the names of /proc/meminfo, "MemTotal" for one; empty where there is none."""
    sizes = machine.table("proc/meminfo")
    return {name: size * _KIB for name, size in sizes.items()}


def total_memory_bytes(machine: Machine) -> int:
    """Memory of the machine in bytes, whatever a container may take of it; 0 where not known."""
    total = memory_sizes(machine).get("MemTotal")
    if total is not None:
        return total
    try:  # macOS has no /proc, but the names of POSIX
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 0
