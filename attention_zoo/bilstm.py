"""Bidirectional LSTMs in place of attention heads."""

import torch
from torch import Tensor, nn

from attention_zoo.registry import register
from attention_zoo.registry.mixer import Mixer


@register(
    "bilstm",
    about="bidirectional LSTMs in place of heads",
    paper="arXiv 2505.21535",
    complexity="N(2C^2 + 18Cd)",
    reconstructed=True,
    limits={"compile": "not as one graph: torch.compile leaves recurrent layers to eager mode"},
)
class BidirectionalLSTM(Mixer):
    """h LSTMs of width d, there and back over the tokens row by row, then 2d -> d each (FAR).

    Reconstructed from the abstract of arXiv 2505.21535; here it trains from scratch, whereas the
    paper replaces the attention of a trained network with it.
    """

    def __init__(self, dim: int, num_heads: int = 1) -> None:
        super().__init__(dim, num_heads)
        d = self.head_dim
        self.enter = nn.Conv2d(dim, dim, 1)
        self.heads = nn.ModuleList(nn.LSTM(d, d, bidirectional=True) for _ in range(num_heads))
        self.merge = nn.Conv2d(2 * dim, dim, 1, groups=num_heads)
        self.project = nn.Conv2d(dim, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        # (N, B, C): the recurrence reads one contiguous slice a step.
        tokens = self.enter(x).flatten(2).permute(2, 0, 1)
        parts = tokens.chunk(self.num_heads, -1)
        # Heads have separate weights: one call of the fused recurrence per head.
        states = [lstm(part)[0] for lstm, part in zip(self.heads, parts, strict=True)]
        both = torch.cat(states, -1).permute(1, 2, 0).reshape(b, 2 * c, h, w)
        return self.project(self.merge(both))

    def macs(self, height: int, width: int) -> int:
        n, c = height * width, self.dim
        return n * (2 * c**2 + 18 * c * self.head_dim)
