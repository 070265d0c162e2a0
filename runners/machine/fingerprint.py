"""What a number was measured on: machine, software, protocol."""

from __future__ import annotations

import math
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from runners.machine.facts import (
    Machine,
    cpu_limit,
    cpu_model,
    governor,
    total_memory_bytes,
    turbo,
    usable_cores,
)
from runners.records.record import PROTOCOL_VERSION

__all__ = ["Fingerprint", "fingerprint", "usable_cores"]

Fingerprint = dict[str, str | int | bool]


def fingerprint(device: torch.device, root: Path = Path("/")) -> Fingerprint:
    """Machine, versions, commit and protocol; plain JSON types.

    Only what stays as it is while a session runs: the load or the temperature of the moment would
    make every row a machine of its own. A text is "" and `memory_gb` (GiB) 0 where not known.

    Args:
        device: where the numbers come from.
        root: where /proc and /sys are.
    """
    commit, dirty = _commit()
    machine = Machine(root)
    found: Fingerprint = {
        "device": device.type,
        "cpu": cpu_model(machine),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "cores": usable_cores(),
        "cpu_limit": _cores_granted(machine),
        "governor": governor(machine),
        "turbo": turbo(machine),
        "memory_gb": round(total_memory_bytes(machine) / 2**30),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "threads_runtime": _threads_runtime(),
        "onednn": torch.backends.mkldnn.is_available(),  # type: ignore[no-untyped-call]
        "mkl": torch.backends.mkl.is_available(),  # type: ignore[no-untyped-call]
        "numpy": _version("numpy"),
        "onnxruntime": _version("onnxruntime"),
        "lolvit_bench": _version("lolvit-bench") or "not installed",
        "commit": commit,
        "dirty": dirty,
        "protocol": PROTOCOL_VERSION,
    }
    if device.type == "cuda":
        found["gpu"] = torch.cuda.get_device_name(device)
        found["cuda"] = str(torch.version.cuda)
    return found


def _cores_granted(machine: Machine) -> str:
    """The CPU limit of the control groups in cores, as in "1.5"; "" where there is none."""
    cores = cpu_limit(machine)
    return f"{round(cores, 2):g}" if cores is not None and math.isfinite(cores) else ""


def _threads_runtime() -> str:
    """What runs torch's intra-op threads, as in "OpenMP"."""
    for line in torch.__config__.parallel_info().splitlines():
        if line.startswith("ATen parallel backend:"):
            return line.partition(":")[2].strip()
    return ""


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # an extra, or a checkout that was never installed
        return ""


def _commit() -> tuple[str, bool]:
    """The checkout's commit, shortened, and whether it has changes; empty outside a checkout."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return "", False
    try:
        head, status = (
            subprocess.run(
                ("git", "-C", str(root), *words),
                capture_output=True,
                text=True,
                timeout=10,
                check=True,
            ).stdout.strip()
            for words in (("rev-parse", "HEAD"), ("status", "--porcelain", "-uno"))
        )
    except (OSError, subprocess.SubprocessError):
        return "", False
    return head[:12], bool(status)
