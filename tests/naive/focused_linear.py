"""The N x N table of weights of linear attention, its features focused token by token."""

import torch

from tests.naive import parts
from tests.naive.mobilevit import resize

VARIANTS = (
    {},
    {"power": 1, "kernel": 0},
    {"power": 4, "kernel": 3},
    {"position": True},
    {"power": 2, "kernel": 7, "position": True},
)


def naive(mixer, x):
    height, width = x.shape[-2:]
    q, k, v = parts.tokens_of(parts.pointwise(mixer.query_key_value, x)).chunk(3, -1)
    if mixer.position is not None:
        k = k + parts.tokens_of(resize(mixer.position[None], height, width))
    size = mixer.head_dim

    def weights(scores):
        products = scores * size**0.5
        return products / (products.shape[-1] * (products.mean(-1, keepdim=True) + 1e-6))

    mixed = parts.attend(focused(mixer, q), focused(mixer, k), v, mixer.num_heads, weights)
    mixed = parts.map_of(mixed, height, width)
    if mixer.local is not None:
        heads = parts.map_of(v, height, width).chunk(mixer.num_heads, 1)
        mixed = mixed + torch.cat([parts.depthwise(mixer.local, head) for head in heads], 1)
    return parts.pointwise(mixer.project, mixed)


def focused(mixer, tokens):
    """(B, N, C): each token keeps its length and turns towards its largest features."""
    scale = torch.log(1 + torch.exp(mixer.theta))
    features = (tokens.clamp(min=0) + 1e-6) / scale
    powered = features**mixer.power
    length, other = ((t**2).sum(-1, keepdim=True).sqrt() for t in (features, powered))
    return length * powered / other
