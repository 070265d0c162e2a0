"""The N x N table of weights of linear attention; the values convolved; one factor a channel."""

import torch

from tests.naive import parts

VARIANTS = ({}, {"kernel": 3}, {"kernel": 1, "channel_gate": True}, {"channel_gate": True})


def naive(mixer, x):
    height, width = x.shape[-2:]
    q, k, v = parts.tokens_of(parts.pointwise(mixer.query_key_value, x)).chunk(3, -1)
    size = mixer.head_dim

    def weights(scores):
        products = scores * size**0.5
        return products / (products.sum(-1, keepdim=True) + 1e-6)

    mixed = parts.attend(q.clamp(min=0), k.clamp(min=0), v, mixer.num_heads, weights)
    mixed = parts.map_of(mixed, height, width)
    mixed = mixed + parts.depthwise(mixer.local, parts.map_of(v, height, width))
    if mixer.gate is not None:
        mean = x.mean((-2, -1), keepdim=True)
        mixed = mixed / (1 + torch.exp(-parts.pointwise(mixer.gate, mean)))
    return parts.pointwise(mixer.project, mixed)
