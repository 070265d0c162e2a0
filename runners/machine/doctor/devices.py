"""Checks of what the system runs on: a virtual machine, energy counters, NVIDIA GPUs."""

from __future__ import annotations

import contextlib
import re
import shutil
import subprocess
from xml.etree import ElementTree

from runners.machine.doctor.finding import Finding, unknown
from runners.machine.energy import open_rapl
from runners.machine.facts import Machine
from runners.records.unavailable import Unavailable

NVIDIA_SMI_TIMEOUT_S = 1.4
_HARMLESS_REASONS = ("gpu_idle", "applications_clocks_setting", "none")
_CONTAINER_FILES = {".dockerenv": "Docker", "run/.containerenv": "Podman"}
_CONTAINER_GROUP = re.compile(r"docker|kubepods|libpod|lxc|containerd")


def check_virtual(machine: Machine) -> Finding:
    """Whether the system is a guest on a host that it cannot observe."""
    name = "virtual machine"
    kind = machine.text("sys/class/dmi/id/product_name") or machine.text("sys/hypervisor/type")
    flags = re.search(r"^flags\s*:(.*)$", machine.text("proc/cpuinfo") or "", re.MULTILINE)
    is_guest = "hypervisor" in flags[1].split() if flags else machine.exists("sys/hypervisor/type")
    container = f", in a container ({_container(machine)})" if _container(machine) else ""
    if is_guest:
        value = f"yes{f': {kind}' if kind else ''}{container}"
        meaning = "the host controls clock, caches and neighbours; compare within one run only"
        return Finding(name, "warn", value, meaning)
    if flags is None:
        return unknown(name, "a host controls clock, caches and neighbours")
    return Finding(name, "ok", f"no{container}", "no host controls the clock")


def check_energy(machine: Machine) -> Finding:
    """Whether the CPU's energy counters can be read."""
    counter = open_rapl(machine)
    if isinstance(counter, Unavailable):
        meaning = "timings are not affected; the energy per image stays empty"
        if counter.reason.endswith("needs root to read"):
            meaning += "; sudo chmod a+r /sys/class/powercap/intel-rapl:*/energy_uj"
        return Finding("energy counter", "unknown", counter.reason, meaning)
    source = counter.source.partition(",")[0]
    return Finding("energy counter", "ok", source, "the energy per image can be measured")


def check_gpu() -> Finding | None:
    """The state of all NVIDIA boards; None where there is no nvidia-smi."""
    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    try:
        return judge_gpu(_run_nvidia_smi(program))
    except subprocess.TimeoutExpired:
        value = f"nvidia-smi did not answer within {NVIDIA_SMI_TIMEOUT_S} s"
        meaning = "each program may load the driver anew; sudo nvidia-smi -pm 1"
        return Finding("GPU", "unknown", value, meaning)
    except OSError as error:
        return Finding("GPU", "unknown", f"nvidia-smi: {error.strerror}", "no GPU can be timed")


def judge_gpu(report: str) -> Finding:
    """Judge the boards in the output of `nvidia-smi -q -x`."""
    try:
        boards = ElementTree.fromstring(report).findall("gpu")
    except ElementTree.ParseError:
        boards = []
    if not boards:
        value = " ".join(report.split())[:60] or "nvidia-smi printed nothing"
        return Finding("GPU", "unknown", value, "no GPU can be timed until nvidia-smi lists one")
    problems = {name: why for board in boards for name, why in _board_problems(board).items()}
    names = " + ".join(board.findtext("product_name", "?") for board in boards)
    if problems:
        value = f"{names}: {', '.join(problems)}"
        return Finding("GPU", "warn", value, "; ".join(dict.fromkeys(problems.values())))
    value = f"{names}: persistent, not slowed, no other process visible"
    return Finding("GPU", "ok", value, "processes in other containers are not visible")


def _board_problems(board: ElementTree.Element) -> dict[str, str]:
    """Problems of one board, each with its meaning."""
    problems = {}
    if board.findtext("persistence_mode") == "Disabled":
        problems["persistence mode off"] = "the first call loads the driver: sudo nvidia-smi -pm 1"
    # Drivers before 535 name the group throttle reasons, later ones event reasons.
    for group in ("clocks_event_reasons", "clocks_throttle_reasons"):
        for reason in board.findall(f"{group}/*"):
            name = reason.tag.partition("_reason_")[2]
            if reason.text == "Active" and name not in _HARMLESS_REASONS:
                problems[f"slowed by {name}"] = "its clock is lowered: cool it, or raise its limit"
    types = [process.findtext("type") or "" for process in board.findall("processes/process_info")]
    # Type G alone is a desktop that draws.
    computing = sum("C" in kind for kind in types)
    if computing:
        problems[f"{computing} other processes"] = "programs that share the board slow timings"
    return problems


def _run_nvidia_smi(program: str) -> str:
    """The output of `nvidia-smi -q -x`.

    Raises:
        subprocess.TimeoutExpired: it takes too long.
        OSError: it cannot be started.
    """
    # Not subprocess.run: that would wait for a program that a broken driver blocks for ever.
    process = subprocess.Popen(
        (program, "-q", "-x"),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    try:
        return process.communicate(timeout=NVIDIA_SMI_TIMEOUT_S)[0]
    except subprocess.TimeoutExpired:
        with contextlib.suppress(OSError):
            process.kill()
        raise


def _container(machine: Machine) -> str:
    """The kind of container around this process; "" without a sign of one."""
    for path, name in _CONTAINER_FILES.items():
        if machine.exists(path):
            return name
    group = _CONTAINER_GROUP.search(machine.text("proc/self/cgroup") or "")
    return machine.text("run/systemd/container") or (group[0] if group else "")
