"""No attention: the network without its mixers."""

import torch
from torch import Tensor

from attention_zoo.registry import register
from attention_zoo.registry.mixer import Mixer


@register(
    "none",
    about="no mixing of positions",
    paper="control; early stages of LIT, arXiv 2105.14217",
    complexity="0",
)
class NoMixer(Mixer):
    """f(x) = 0: the "remove attention" arm of a comparison."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros_like(x)

    def macs(self, height: int, width: int) -> int:
        return 0
