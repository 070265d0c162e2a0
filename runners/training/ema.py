"""An exponential moving average of the weights, buffers included."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel

Tensors = tuple[Tensor, ...] | list[Tensor]


def averaged(network: nn.Module, decay: float) -> AveragedModel:
    """A copy that follows the network; call `update_parameters(network)` after each step.

    The decay starts low, (1 + n) / (10 + n), so that the random start is soon forgotten.
    """

    def blend(average: Tensors, current: Tensors, updates: Tensor | int) -> None:
        n = int(updates)
        weight = 1 - min(decay, (1 + n) / (10 + n))
        if average[0].is_floating_point():
            torch._foreach_lerp_(average, current, weight)
        else:  # counters of batches
            torch._foreach_copy_(average, current)

    return AveragedModel(network, multi_avg_fn=torch.no_grad()(blend), use_buffers=True)
