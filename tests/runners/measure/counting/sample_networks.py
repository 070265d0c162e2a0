"""Small networks of an image (1, 3, 8, 8) that the tests of counting share."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from runners.measure.counting import count_macs

IMAGE = CHANNELS, SIDE, _ = 3, 8, 8


class Calls(nn.Module):
    """A function of the image and of some layers."""

    def __init__(self, function, *layers):
        super().__init__()
        self.function, self.layers = function, nn.ModuleList(layers)

    def forward(self, x):
        return self.function(x, *self.layers)


class Attention(nn.Module):
    """4 heads, 14 x 14 tokens of 64 channels, with projections."""

    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(64, 64) for _ in range(4))

    def forward(self, x):
        tokens = x.flatten(2).mT
        heads = (p(tokens).unflatten(2, (4, 16)).transpose(1, 2) for p in (self.q, self.k, self.v))
        return self.out(F.scaled_dot_product_attention(*heads).transpose(1, 2).flatten(2))


def macs_of(function):
    return count_macs(Calls(function), *IMAGE).total


def ones(*shape):
    return torch.ones(shape)
