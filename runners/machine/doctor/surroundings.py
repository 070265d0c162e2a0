"""What is around this system: a host, a container; and whether energy can be counted."""

from __future__ import annotations

import re

from runners.machine.doctor.finding import Finding, not_known
from runners.machine.energy.rapl import packages
from runners.machine.facts import Machine

_CONTAINER_FILES = {".dockerenv": "Docker", "run/.containerenv": "Podman"}
_CONTAINER_GROUP = re.compile(r"docker|kubepods|libpod|lxc|containerd")


def check_virtual(machine: Machine) -> Finding:
    """Whether the system is a guest on a host that it cannot see."""
    kind = machine.text("sys/class/dmi/id/product_name") or machine.text("sys/hypervisor/type")
    flags = re.search(r"^flags\s*:(.*)$", machine.text("proc/cpuinfo") or "", re.MULTILINE)
    guest = "hypervisor" in flags[1].split() if flags else machine.exists("sys/hypervisor/type")
    container = f", in a container ({_container(machine)})" if _container(machine) else ""
    if guest:
        said = f"yes{f': {kind}' if kind else ''}{container}"
        means = "the host decides on clock, caches and neighbours; compare within one run only"
        return Finding("virtual machine", "warn", said, means)
    if flags is None:
        return not_known("virtual machine", "a host decides on clock, caches and neighbours")
    return Finding("virtual machine", "ok", f"no{container}", "no host between it and its clock")


def check_energy(machine: Machine) -> Finding:
    """Whether the CPU's energy counters can be read."""
    counter = packages(machine)
    if isinstance(counter, str):
        means = "timings are as good; the energy of an image stays empty"
        if counter.endswith("needs root to read"):
            means += "; sudo chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj"
        return Finding("energy counter", "unknown", counter, means)
    means = "energy of an image can be measured"
    return Finding("energy counter", "ok", counter.source.partition(",")[0], means)


def _container(machine: Machine) -> str:
    """The kind of container around this process; "" where nothing hints at one."""
    for path, name in _CONTAINER_FILES.items():
        if machine.exists(path):
            return name
    named = machine.text("run/systemd/container")
    hint = _CONTAINER_GROUP.search(machine.text("proc/self/cgroup") or "")
    return named or (hint[0] if hint else "")
