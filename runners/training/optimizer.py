"""AdamW with its schedule, and the moving average of the weights that it finds."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel

from runners.training.recipe import Recipe

_Tensors = tuple[Tensor, ...] | list[Tensor]


def make_adamw(
    network: nn.Module, recipe: Recipe, steps: int
) -> tuple[torch.optim.AdamW, LambdaLR]:
    """An optimiser and its schedule over `steps`; call `step()` on both after each step."""
    groups = group_weights(network, recipe.weight_decay)
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


def group_weights(network: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Decay for matrices and kernels only: decaying norms and biases hurts small networks."""
    parameters = list(network.parameters())
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


def make_average(network: nn.Module, decay: float) -> AveragedModel:
    """An exponential moving average of weights and buffers.

    Call `update_parameters(network)` after each step. The decay starts low, (1 + n) / (10 + n), so
    that the random start is soon forgotten.
    """

    def blend(average: _Tensors, current: _Tensors, updates: Tensor | int) -> None:
        n = int(updates)
        weight = 1 - min(decay, (1 + n) / (10 + n))
        if average[0].is_floating_point():
            torch._foreach_lerp_(average, current, weight)
        else:  # counters of batches
            torch._foreach_copy_(average, current)

    return AveragedModel(network, multi_avg_fn=torch.no_grad()(blend), use_buffers=True)
