"""The environment of a measurement: machine, software, protocol."""

from __future__ import annotations

import math
import platform
import re
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
from runners.machine.version import project_version
from runners.records.record import PROTOCOL_VERSION

__all__ = ["Fingerprint", "fingerprint", "usable_cores"]

Fingerprint = dict[str, str | int | bool]


def fingerprint(device: torch.device, root: Path = Path("/")) -> Fingerprint:
    """Describe machine, versions, commit and protocol in plain JSON types.

    Only what is constant during a session: the current load or temperature would make every row a
    machine of its own. Unknown texts are "", an unknown `memory_gb` (GiB) is 0. /proc and /sys lie
    below `root`.
    """
    commit, dirty = _commit()
    machine = Machine(root)
    limit = cpu_limit(machine)
    facts: Fingerprint = {
        "device": device.type,
        "cpu": cpu_model(machine),
        "cpu_capability": torch.backends.cpu.get_cpu_capability(),
        "cores": usable_cores(),
        # In cores, such as "1.5"; "" without a limit.
        "cpu_limit": f"{round(limit, 2):g}" if limit is not None and math.isfinite(limit) else "",
        "governor": governor(machine),
        "turbo": turbo(machine),
        "memory_gb": round(total_memory_bytes() / 2**30),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "threads_runtime": _threads_runtime(),
        "onednn": torch.backends.mkldnn.is_available(),  # type: ignore[no-untyped-call]
        "mkl": torch.backends.mkl.is_available(),  # type: ignore[no-untyped-call]
        "numpy": _version("numpy"),
        "onnxruntime": _version("onnxruntime"),
        "lolvit_bench": project_version(),
        "commit": commit,
        "dirty": dirty,
        "protocol": PROTOCOL_VERSION,
    }
    if device.type == "cuda":
        facts["gpu"] = torch.cuda.get_device_name(device)
        facts["cuda"] = str(torch.version.cuda)
    return facts


def _threads_runtime() -> str:
    """The library that runs torch's intra-op threads, such as "OpenMP"."""
    runtime = re.search(r"^ATen parallel backend:(.*)$", torch.__config__.parallel_info(), re.M)
    return runtime[1].strip() if runtime else ""


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:  # an optional package
        return ""


def _commit() -> tuple[str, bool]:
    """Short commit of the checkout and whether it has changes; empty outside a checkout."""
    root = Path(__file__).resolve().parents[2]
    if not (root / ".git").exists():
        return "", False
    try:
        head, status = (
            subprocess.run(
                ("git", "-C", str(root), *arguments),
                capture_output=True,
                text=True,
                timeout=10,
                check=True,
            ).stdout.strip()
            for arguments in (("rev-parse", "HEAD"), ("status", "--porcelain", "-uno"))
        )
    except (OSError, subprocess.SubprocessError):
        return "", False
    return head[:12], bool(status)
