"""Validate the device and the number of threads that a user asks for."""

from __future__ import annotations

import torch

from runners.machine.fingerprint import usable_cores
from runners.records.errors import UserError


def resolve_device(name: str, option: str = "--device") -> torch.device:
    """Return the torch device of that name; `option` is how the user asked for it.

    Raises:
        UserError: PyTorch sees no CUDA device.
    """
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError(f"{option} cuda: PyTorch sees no CUDA device; use cpu")
    return torch.device(name)


def check_threads(threads: int | None, option: str = "--threads") -> None:
    """Refuse more threads than usable cores: thousands of them crash the process.

    `option` is how the user asked for them.

    Raises:
        UserError: there are more threads than cores.
    """
    if threads is not None and threads > usable_cores():
        raise UserError(f"{option} {threads}: only {usable_cores()} cores are usable")
