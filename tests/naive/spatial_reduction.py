"""Each r x r block of pixels, cut off at the border, becomes a key; then dense attention."""

import torch

from tests.naive import parts

VARIANTS = ({}, {"ratio": 1}, {"ratio": 3}, {"ratio": 8})


def naive(mixer, x):
    height, width = x.shape[-2:]
    features = parts.tokens_of(x)
    if mixer.ratio > 1:
        features = parts.layer_norm(mixer.norm, blocks(mixer.reduce, x, mixer.ratio))
    k, v = (features @ mixer.key_value.weight.T + mixer.key_value.bias).chunk(2, -1)
    q = parts.tokens_of(parts.pointwise(mixer.query, x))
    mixed = parts.attend(q, k, v, mixer.num_heads)
    return parts.pointwise(mixer.project, parts.map_of(mixed, height, width))


def blocks(layer, x, side):
    """(B, M, C): a border block meets only the taps that lie on the map."""
    tokens = []
    for top in range(0, x.shape[-2], side):
        for left in range(0, x.shape[-1], side):
            block = x[:, :, top : top + side, left : left + side]
            taps = layer.weight[:, :, : block.shape[-2], : block.shape[-1]]
            tokens.append(torch.einsum("oiyx,biyx->bo", taps, block) + layer.bias)
    return torch.stack(tokens, 1)
