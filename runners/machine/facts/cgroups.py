"""Limits that control groups put on this process, as containers and batch systems set them."""

from __future__ import annotations

import math
from collections.abc import Iterator

from runners.machine.facts.files import Machine, whole

_MOUNT = "sys/fs/cgroup"


def cpu_limit(machine: Machine) -> float | None:
    """CPU time that the groups grant, in cores; inf without a limit, None where not known.

    The strictest of all levels counts: a container's limit often sits above the process's group.
    """
    limits = [_quota(machine, folder) for folder in _folders(machine)]
    return min(limits, default=None)


def stopped_periods(machine: Machine) -> int | None:
    """How often a group has used up its CPU time and was stopped; None where nobody counts."""
    counts = [machine.table(f"{folder}/cpu.stat") for folder in _folders(machine)]
    known = [count["nr_throttled"] for count in counts if "nr_throttled" in count]
    return sum(known) if known else None


def _quota(machine: Machine, folder: str) -> float:
    """Cores of one level: version 2 writes "quota period" in one file, version 1 in two, in µs."""
    words = (machine.text(f"{folder}/cpu.max") or "").split()
    if not words:
        words = [machine.text(f"{folder}/cpu.cfs_{name}_us") or "" for name in ("quota", "period")]
    quota, period = ([*map(whole, words), None, None])[:2]
    # "max" and -1 both say that there is no limit.
    return quota / period if quota and period and min(quota, period) > 0 else math.inf


def _folders(machine: Machine) -> Iterator[str]:
    """The folders of this process's groups that could limit its CPUs, upwards to the mounts."""
    for line in (machine.text("proc/self/cgroup") or "").splitlines():
        controllers, _, path = line.partition(":")[2].partition(":")
        mount = _mount(machine, controllers)
        if mount is None:
            continue
        parts = [part for part in path.split("/") if part]
        # Seen from inside a container the path may lead outside ("..") or to a folder that is not
        # mounted here: what is not there reads as no limit, and the mount itself is always asked.
        while parts and ".." not in parts:
            yield f"{mount}/{'/'.join(parts)}"
            parts.pop()
        yield mount


def _mount(machine: Machine, controllers: str) -> str | None:
    """Where the groups of one line of /proc/self/cgroup are, if they have to do with the CPU."""
    if controllers == "":
        places = [f"{_MOUNT}/unified", _MOUNT]
    elif "cpu" in controllers.split(","):
        places = [f"{_MOUNT}/{controllers}", f"{_MOUNT}/cpu"]
    else:
        return None
    return next((place for place in places if machine.exists(place)), None)
