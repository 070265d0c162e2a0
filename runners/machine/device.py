"""From what a user types to a torch device."""

from __future__ import annotations

import torch

from runners.records.errors import UserError


def device_called(name: str) -> torch.device:
    """Raise UserError for a CUDA device that this PyTorch does not see."""
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("--device cuda: this PyTorch sees no CUDA device; use --device cpu")
    return torch.device(name)
