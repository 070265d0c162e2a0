"""A system in files and in what psutil reports, as much of it as a test needs."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

from runners.machine.facts import Machine

CPU = "sys/devices/system/cpu"


def write_files(root: Path, files: dict[str, str]) -> Machine:
    """Write each file below the root; the machine that they make."""
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
    return Machine(root)


def set_usable_cpus(fake: SimpleNamespace, *cpus: int) -> None:
    """Let psutil report an affinity."""
    fake.Process = lambda: SimpleNamespace(cpu_affinity=lambda: list(cpus))


def core_files(count: int, *, siblings: bool = False) -> dict[str, str]:
    """So many online CPUs; with `siblings`, two neighbours share a core."""
    files = {f"{CPU}/online": f"0-{count - 1}\n"}
    for cpu in range(count):
        pair = f"{cpu & ~1}-{cpu | 1}" if siblings else f"{cpu}"
        files[f"{CPU}/cpu{cpu}/topology/thread_siblings_list"] = f"{pair}\n"
    return files


def rapl_files(number: int, energy: object = 0, name: str = "", most: int = 1000) -> dict[str, str]:
    """One RAPL zone of the top level; energies in µJ."""
    folder = f"sys/class/powercap/intel-rapl:{number}"
    return {
        f"{folder}/name": f"{name or f'package-{number}'}\n",
        f"{folder}/energy_uj": f"{energy}\n",
        f"{folder}/max_energy_range_uj": f"{most}\n",
    }
