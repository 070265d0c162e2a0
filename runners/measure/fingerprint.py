"""What a number was measured on: machine, software, protocol."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import torch

from runners.record import PROTOCOL_VERSION

Fingerprint = dict[str, str | int | bool]


def fingerprint(device: torch.device) -> Fingerprint:
    """Machine, versions, commit and protocol; plain JSON types."""
    commit, dirty = _commit()
    found: Fingerprint = {
        "device": device.type,
        "cpu": _cpu_model(),
        "cores": usable_cores(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "lolvit_bench": _own_version(),
        "commit": commit,
        "dirty": dirty,
        "protocol": PROTOCOL_VERSION,
    }
    if device.type == "cuda":
        found["gpu"] = torch.cuda.get_device_name(device)
        found["cuda"] = str(torch.version.cuda)
    return found


def usable_cores() -> int:
    """Cores this process may run on, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def _own_version() -> str:
    try:
        return version("lolvit-bench")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "not installed"


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
