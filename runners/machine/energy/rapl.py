"""RAPL: the energy counters of CPU packages that Linux shows as files, of Intel and of AMD."""

from __future__ import annotations

from runners.machine.energy.meter import CounterError, EnergyCounter, Zone
from runners.machine.facts import Machine

_FOLDER = "sys/class/powercap"


def packages(machine: Machine) -> EnergyCounter | str:
    """The sum of all CPU packages, or the reason in words why there is none.

    Packages alone: they contain the cores, and other top-level zones (`psys`) contain packages, so
    that a sum over all would count twice. `dram` lies beside the package on some machines and is
    missing on most; without it, numbers of different machines mean the same.
    Source: Linux, Documentation/power/powercap/powercap.rst.
    """
    if not machine.exists(_FOLDER):
        return f"no readable RAPL counter: /{_FOLDER} is missing"
    # One colon: a package is intel-rapl:0, what it contains is intel-rapl:0:1.
    zones = [
        path
        for path in machine.matching(f"{_FOLDER}/intel-rapl:*")
        if path.count(":") == 1 and (machine.text(f"{path}/name") or "").startswith("package")
    ]
    if not zones:
        return f"no readable RAPL counter: /{_FOLDER} names no CPU package"
    many = f"{len(zones)} CPU packages" if len(zones) > 1 else "1 CPU package"
    try:
        return EnergyCounter(
            f"RAPL, {many} without DRAM, gross: idle power and other programs included",
            [_zone(machine, path) for path in zones],
        )
    except CounterError as error:
        return str(error)


def _zone(machine: Machine, path: str) -> Zone:
    longest = machine.number(f"{path}/max_energy_range_uj") or 0

    def read() -> int:
        file = machine.root / path / "energy_uj"
        try:
            return int(file.read_text(encoding="ascii"))
        except PermissionError:
            # Kernels since 5.10 keep it from users: it told too much (CVE-2020-8694).
            raise CounterError(f"/{path}/energy_uj needs root to read") from None
        except OSError as error:
            raise CounterError(f"/{path}/energy_uj: {error.strerror}") from None
        except ValueError:
            raise CounterError(f"/{path}/energy_uj does not hold a whole number") from None

    return Zone(read, longest)
