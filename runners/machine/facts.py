"""Facts about this machine: from psutil where it has them, else from Linux's /proc and /sys.

A fact that the system does not provide is None or empty; nothing here raises. No torch: the doctor
must start at once. The fingerprint and the doctor share these functions.
"""

from __future__ import annotations

import math
import os
import platform
import re
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import psutil

Value = TypeVar("Value")

_CPU = "sys/devices/system/cpu"
_CGROUP_MOUNT = "sys/fs/cgroup"
TURBO_SWITCHES = {f"{_CPU}/intel_pstate/no_turbo": "0", f"{_CPU}/cpufreq/boost": "1"}
"""Files that switch the boost of the whole machine, each with its content while boost is on."""


@dataclass(frozen=True)
class Machine:
    """A system whose /proc and /sys lie below `root`, so that a test can supply its own files."""

    root: Path = Path("/")

    def text(self, path: str) -> str | None:
        """The file's stripped content; None where it is missing or cannot be read."""
        try:
            # Files of /sys may exist and still refuse: a core that is offline, a sensor asleep.
            return (self.root / path).read_text(encoding="utf-8", errors="replace").strip()
        except (OSError, ValueError):
            return None

    def number(self, path: str) -> int | None:
        """The whole number the file holds; None where it holds anything else."""
        return _parse_int(self.text(path))

    def glob(self, pattern: str) -> list[str]:
        """Sorted paths, relative to the root, that match the pattern."""
        try:
            matches = sorted(self.root.glob(pattern))
        except (OSError, ValueError):
            return []
        return [path.relative_to(self.root).as_posix() for path in matches]

    def exists(self, path: str) -> bool:
        """Whether there is such a file or folder."""
        try:
            return (self.root / path).exists()
        except (OSError, ValueError):
            return False


def query_psutil(read: Callable[[Any], Value]) -> Value | None:
    """Return `read(psutil)`, or None where psutil does not support it on this system."""
    try:
        return read(psutil)
    except Exception:  # psutil's own errors, missing functions, odd or missing files
        return None


def usable_cpus() -> frozenset[int]:
    """Numbers of the CPUs this process may run on (affinity and cpuset); empty if unknown."""
    return frozenset(query_psutil(lambda ps: ps.Process().cpu_affinity()) or ())


def usable_cores() -> int:
    """Count of CPUs this process may run on; of all CPUs where the system has no affinity."""
    return len(usable_cpus()) or os.cpu_count() or 1


def online_cpus(machine: Machine) -> frozenset[int]:
    """Numbers of the CPUs that are switched on; empty if unknown."""
    return parse_cpu_list(machine.text(f"{_CPU}/online") or "")


def parse_cpu_list(text: str) -> frozenset[int]:
    """The CPUs of a kernel list such as "0-3,8"; empty where the text is no such list."""
    cpus: set[int] = set()
    for part in text.strip().split(","):
        span = re.fullmatch(r"(\d{1,6})(?:-(\d{1,6}))?", part.strip())
        if span is None:
            return frozenset()
        cpus.update(range(int(span[1]), int(span[2] or span[1]) + 1))
    return frozenset(cpus)


def cpu_model(machine: Machine) -> str:
    """The processor's name, or at least its architecture."""
    info = machine.text("proc/cpuinfo") or ""
    model = re.search(r"^model name[^:\n]*:(.*)$", info, re.MULTILINE)
    return model[1].strip() if model else platform.processor() or platform.machine()


def total_memory_bytes() -> int:
    """Memory of the machine in bytes, whatever a container may use of it; 0 if unknown."""
    return query_psutil(lambda ps: int(ps.virtual_memory().total)) or 0


def available_memory_bytes() -> int | None:
    """Memory in bytes that programs can still get without swapping; None if unknown."""
    return query_psutil(lambda ps: int(ps.virtual_memory().available))


def swap() -> Any:
    """Psutil's swap_memory(): total, used, sin and sout in bytes; None if unknown."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # psutil warns where it cannot count what is swapped
        return query_psutil(lambda ps: ps.swap_memory())


def governor(machine: Machine) -> str:
    """The frequency governor, several joined by "+"; "" if unknown."""
    paths = machine.glob(f"{_CPU}/cpu[0-9]*/cpufreq/scaling_governor")
    return "+".join(sorted({machine.text(path) or "" for path in paths} - {""}))


def turbo(machine: Machine) -> str:
    """Boost above the nominal clock: "on", "off", or "" if unknown."""
    switches = dict(TURBO_SWITCHES)
    # Newer kernels have one switch a policy: boost is off only where every one of them is.
    switches |= dict.fromkeys(machine.glob(f"{_CPU}/cpufreq/policy*/boost"), "1")
    contents = [(machine.text(path), on) for path, on in switches.items()]
    states = {"on" if text == on else "off" for text, on in contents if text in ("0", "1")}
    return "on" if "on" in states else "".join(states)


def cpu_limit(machine: Machine) -> float | None:
    """CPU time granted by control groups, in cores; inf without a limit, None if unknown.

    The strictest of all levels counts: a container's limit often sits above the process's group.
    """
    return min(
        (_cgroup_quota(machine, folder) for folder in _cgroup_folders(machine)), default=None
    )


def throttled_periods(machine: Machine) -> int | None:
    """How often a group has used up its CPU time and was stopped; None if unknown."""
    texts = [machine.text(f"{folder}/cpu.stat") or "" for folder in _cgroup_folders(machine)]
    counts = [re.search(r"^nr_throttled (\d+)$", text, re.MULTILINE) for text in texts]
    return sum(int(count[1]) for count in counts if count) if any(counts) else None


def _cgroup_quota(machine: Machine, folder: str) -> float:
    """Cores of one level: version 2 writes "quota period" in one file, version 1 in two, in µs."""
    words = (machine.text(f"{folder}/cpu.max") or "").split()
    if not words:
        words = [machine.text(f"{folder}/cpu.cfs_{name}_us") or "" for name in ("quota", "period")]
    quota, period = ([*map(_parse_int, words), None, None])[:2]
    # "max" and -1 both mean that there is no limit.
    return quota / period if quota and period and min(quota, period) > 0 else math.inf


def _cgroup_folders(machine: Machine) -> Iterator[str]:
    """The folders of this process's groups that could limit its CPUs, upwards to the mounts."""
    for line in (machine.text("proc/self/cgroup") or "").splitlines():
        controllers, _, path = line.partition(":")[2].partition(":")
        if controllers and "cpu" not in controllers.split(","):
            continue
        mounts = [f"{_CGROUP_MOUNT}/{controllers or 'unified'}"]
        mounts += [f"{_CGROUP_MOUNT}/cpu" if controllers else _CGROUP_MOUNT]
        mount = next((mount for mount in mounts if machine.exists(mount)), None)
        if mount is None:
            continue
        parts = [part for part in path.split("/") if part]
        # Seen from inside a container the path may lead outside ("..") or to a folder that is not
        # mounted here: a missing file reads as no limit, and the mount itself is always read.
        while parts and ".." not in parts:
            yield f"{mount}/{'/'.join(parts)}"
            parts.pop()
        yield mount


def _parse_int(text: str | None) -> int | None:
    try:
        return int(text or "")
    except ValueError:
        return None
