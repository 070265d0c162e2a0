"""AdamW and its schedule."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

from runners.training.recipe import Recipe


def adamw(network: nn.Module, recipe: Recipe, steps: int) -> tuple[torch.optim.AdamW, LambdaLR]:
    """The optimiser of a training of so many steps, and its schedule; call `step()` on both."""
    groups = weight_groups(network, recipe.weight_decay)
    optimizer = torch.optim.AdamW(groups, lr=recipe.learning_rate, fused=True)
    return optimizer, LambdaLR(optimizer, warmup_cosine(steps, recipe.warmup))


def warmup_cosine(steps: int, warmup: float) -> Callable[[int], float]:
    """Share of the peak learning rate at a step: a linear rise, then half a cosine down to 0."""
    rise = max(1, round(steps * warmup))

    def share(step: int) -> float:
        if step < rise:
            return (step + 1) / rise
        return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))

    return share


def weight_groups(network: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Decay for matrices and kernels only: decaying norms and biases hurts small networks."""
    parameters = list(network.parameters())
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
