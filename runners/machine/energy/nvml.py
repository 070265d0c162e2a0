"""NVML: the energy counter of an NVIDIA board, where the optional package pynvml is installed."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from runners.machine.energy.meter import EnergyCounter, Zone

if TYPE_CHECKING:
    import torch

_UJ_PER_MJ = 1000


def board(device: torch.device) -> EnergyCounter | str:
    """The counter of the device's board, or the reason in words why there is none.

    Source: NVML, nvmlDeviceGetTotalEnergyConsumption, millijoules since the driver was loaded
    (Volta and newer).
    """
    try:
        nvml: Any = importlib.import_module("pynvml")
        nvml.nvmlInit()
        handle = nvml.nvmlDeviceGetHandleByUUID(_uuid(device))
        return EnergyCounter(
            "NVML, whole board without the CPU, gross: idle power and other programs included",
            [Zone(lambda: int(nvml.nvmlDeviceGetTotalEnergyConsumption(handle)) * _UJ_PER_MJ, 0)],
            settle=lambda: _wait(device),
        )
    except ImportError:
        return "pynvml is not installed"
    except Exception as error:  # whatever a driver can lack: the counter is not there
        cause = error.__cause__ or error
        return f"no NVML energy counter: {type(cause).__name__}: {cause}".splitlines()[0]


def _uuid(device: torch.device) -> str:
    """The board's name in NVML, which numbers boards without regard to CUDA_VISIBLE_DEVICES."""
    import torch

    return f"GPU-{torch.cuda.get_device_properties(device).uuid}"


def _wait(device: torch.device) -> None:
    import torch

    torch.cuda.synchronize(device)
