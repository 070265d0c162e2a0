"""Energy read from counters of the hardware: RAPL for CPU packages, NVML for NVIDIA boards.

Nothing here is estimated.
"""

from __future__ import annotations

import importlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runners.machine.facts import Machine
from runners.records.errors import named_line
from runners.records.unavailable import Unavailable

if TYPE_CHECKING:
    import torch

TICKS = 10
"""Advances of the counter that make a number: what the last one misses is then small."""
MAX_EXTENSION = 5
"""A slow counter gets at most so many times `seconds`."""
# Reading costs CPU energy too, so many short calls share one reading.
_READ_EVERY_S = 0.01
_UJ_PER_MJ = 1000
_POWERCAP = "sys/class/powercap"


class CounterError(RuntimeError):
    """A counter cannot be read any more; the message is one line."""


@dataclass(frozen=True)
class Zone:
    """A growing number of µJ, given by `read`; beyond `range_uj` it restarts at 0."""

    read: Callable[[], int]
    range_uj: int


class EnergyCounter:
    """Energy since construction, summed over zones that each wrap around on their own.

    Args:
        source: which counter it is, and what it includes.
        zones: what is summed.
        synchronize: called before each reading, to wait for work that is still queued.

    Raises:
        CounterError: a zone cannot be read.
    """

    def __init__(
        self, source: str, zones: Sequence[Zone], synchronize: Callable[[], object] = lambda: None
    ) -> None:
        self.source, self._zones, self._synchronize = source, zones, synchronize
        self._last = self._read()
        self._total_uj = 0

    def read_mj(self) -> float:
        """Millijoules since construction. Call it more often than a zone wraps (minutes).

        Raises:
            CounterError: a zone cannot be read, or decreased although it never wraps.
        """
        self._synchronize()
        now = self._read()
        for zone, before, after in zip(self._zones, self._last, now, strict=True):
            if after < before and zone.range_uj < before:
                raise CounterError(f"{self.source} decreased from {before} to {after} µJ")
            self._total_uj += after - before + (zone.range_uj if after < before else 0)
        self._last = now
        return self._total_uj / _UJ_PER_MJ

    def _read(self) -> list[int]:
        try:
            return [zone.read() for zone in self._zones]
        except CounterError:
            raise
        except Exception as error:  # the libraries behind a zone have errors of their own
            raise CounterError(f"the energy counter cannot be read: {named_line(error)}") from error


def open_counter(device: torch.device, root: Path = Path("/")) -> EnergyCounter | Unavailable:
    """The energy counter of a device, or why there is none; /sys lies below `root`.

    CPUs are counted by RAPL (Intel, and AMD through the same files), CUDA devices by NVML.
    """
    if device.type == "cpu":
        return open_rapl(Machine(root))
    if device.type == "cuda":
        return _open_nvml(device)
    return Unavailable(f"no energy counter is supported for {device.type}")


def open_rapl(machine: Machine) -> EnergyCounter | Unavailable:
    """The sum of all CPU packages, or why there is none.

    Packages only: they contain the cores, and other top-level zones (`psys`) contain packages, so
    that a sum over all would count twice. `dram` lies next to the package on some machines and is
    missing on most; without it, numbers of different machines mean the same.
    Source: Linux, Documentation/power/powercap/powercap.rst.
    """
    if not machine.exists(_POWERCAP):
        return Unavailable(f"no readable RAPL counter: /{_POWERCAP} is missing")
    # One colon: a package is intel-rapl:0, what it contains is intel-rapl:0:1.
    zones = [
        path
        for path in machine.glob(f"{_POWERCAP}/intel-rapl:*")
        if path.count(":") == 1 and (machine.text(f"{path}/name") or "").startswith("package")
    ]
    if not zones:
        return Unavailable(f"no readable RAPL counter: /{_POWERCAP} lists no CPU package")
    count = f"{len(zones)} CPU packages" if len(zones) > 1 else "1 CPU package"
    try:
        return EnergyCounter(
            f"RAPL, {count} without DRAM, gross: idle power and other programs included",
            [_rapl_zone(machine, path) for path in zones],
        )
    except CounterError as error:
        return Unavailable(str(error))


def _rapl_zone(machine: Machine, path: str) -> Zone:
    range_uj = machine.number(f"{path}/max_energy_range_uj") or 0

    def read() -> int:
        file = machine.root / path / "energy_uj"
        try:
            return int(file.read_text(encoding="ascii"))
        except PermissionError:
            # Kernels since 5.10 hide it from users: it is a side channel (CVE-2020-8694).
            raise CounterError(f"/{path}/energy_uj needs root to read") from None
        except OSError as error:
            raise CounterError(f"/{path}/energy_uj: {error.strerror}") from None
        except ValueError:
            raise CounterError(f"/{path}/energy_uj does not hold a whole number") from None

    return Zone(read, range_uj)


def _open_nvml(device: torch.device) -> EnergyCounter | Unavailable:
    """The counter of an NVIDIA board, or why there is none.

    Source: NVML, nvmlDeviceGetTotalEnergyConsumption, millijoules since the driver was loaded
    (Volta and newer).
    """
    import torch

    try:
        nvml: Any = importlib.import_module("pynvml")
        nvml.nvmlInit()
        # NVML numbers boards without regard to CUDA_VISIBLE_DEVICES.
        uuid = f"GPU-{torch.cuda.get_device_properties(device).uuid}"
        handle = nvml.nvmlDeviceGetHandleByUUID(uuid)
        return EnergyCounter(
            "NVML, whole board without the CPU, gross: idle power and other programs included",
            [Zone(lambda: int(nvml.nvmlDeviceGetTotalEnergyConsumption(handle)) * _UJ_PER_MJ, 0)],
            synchronize=lambda: torch.cuda.synchronize(device),
        )
    except ImportError:
        return Unavailable("pynvml is not installed")
    except Exception as error:  # whatever a driver can lack
        return Unavailable(f"no NVML energy counter: {named_line(error.__cause__ or error)}")


def measure_energy(
    call: Callable[[], object],
    images_per_call: int,
    counter: EnergyCounter,
    seconds: float = 1.0,
) -> float | Unavailable:
    """Millijoules per image while the call is repeated, or why there is no number.

    Gross: idle power is included, and so is what other programs take from the same counter.
    Both ends of the interval lie where the counter advanced, so that a slow counter is not read
    in the middle of a step.

    Args:
        call: runs the images once; it need not wait for its device.
        images_per_call: images per call.
        counter: of the device.
        seconds: minimal duration; up to `MAX_EXTENSION` times as long where the counter is slow.
    """
    try:
        last = counter.read_mj()
        begin = now = time.monotonic()
        calls = readings = 0
        advances: list[tuple[float, int]] = []  # energy and calls whenever the counter advanced
        while True:
            due = now + _READ_EVERY_S
            while now < due:
                call()
                calls += 1
                now = time.monotonic()
            energy = counter.read_mj()
            readings += 1
            if energy != last:
                last = energy
                advances.append((energy, calls))
            now = time.monotonic()
            is_due = now >= begin + seconds
            if is_due and len(advances) > TICKS:
                (first, first_calls), (last, last_calls) = advances[0], advances[-1]
                return (last - first) / ((last_calls - first_calls) * images_per_call)
            # A counter that advances at every reading is not slow: the calls are long.
            is_slow = now >= begin + MAX_EXTENSION * seconds and len(advances) < readings
            if is_slow or (is_due and not advances):
                count, duration = len(advances), now - begin
                return Unavailable(
                    f"the energy counter advanced only {count} times in {duration:.1f} s"
                )
    except CounterError as error:
        return Unavailable(str(error))
