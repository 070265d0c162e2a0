"""Dense N x N attention: -inf between tokens further apart than half a window."""

import torch

from tests.naive import parts

VARIANTS = ({}, {"window": 1}, {"window": 3}, {"window": 31})


def naive(mixer, x):
    height, width = x.shape[-2:]
    n = height * width
    q = parts.tokens_of(parts.pointwise(mixer.query, x))
    k, v = parts.tokens_of(parts.pointwise(mixer.key_value, x)).chunk(2, -1)
    k, v = shared(mixer, k), shared(mixer, v)
    bias = torch.full((n, n), float("-inf"))
    for i in range(n):
        for j in range(n):
            if abs(i - j) <= mixer.window // 2:
                bias[i, j] = 0
    mixed = parts.attend(q, k, v, mixer.num_heads, bias=bias.expand(mixer.num_heads, n, n))
    return parts.pointwise(mixer.project, parts.map_of(mixed, height, width))


def shared(mixer, tokens):
    """The one linear layer, applied to each head's channels."""
    matrix = mixer.shared.weight[:, :, 0, 0]
    heads = tokens.chunk(mixer.num_heads, -1)
    return torch.cat([head @ matrix.T + mixer.shared.bias for head in heads], -1)
