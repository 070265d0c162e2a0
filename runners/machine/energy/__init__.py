"""Energy by a counter of the hardware, or none at all: nothing here is estimated."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from runners.machine.energy.meter import CounterError, EnergyCounter
from runners.machine.energy.nvml import board
from runners.machine.energy.per_image import measure_energy
from runners.machine.energy.rapl import packages
from runners.machine.facts import Machine

if TYPE_CHECKING:
    import torch

__all__ = ["CounterError", "EnergyCounter", "counter", "measure_energy"]


def counter(device: torch.device, root: Path = Path("/")) -> EnergyCounter | str:
    """The counter of what the device takes, or the reason in words why there is none.

    Args:
        device: CPUs are counted by RAPL (Intel, and AMD through the same files), CUDA by NVML.
        root: where /sys is.
    """
    if device.type == "cpu":
        return packages(Machine(root))
    if device.type == "cuda":
        return board(device)
    return f"no energy counter is known for {device.type}"
