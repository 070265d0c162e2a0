"""Hi-Fi heads: dense attention, -inf across windows; Lo-Fi heads: each window's mean is a key."""

import torch

from tests.naive import parts
from tests.naive.fwa import intervals
from tests.naive.window import pair_bias

VARIANTS = (
    {},
    {"alpha": 0},
    {"alpha": 1.0},
    {"alpha": 0.9},
    {"window": 1},
    {"alpha": 0.5, "window": 3},
    {"window": 30},
)


def naive(mixer, x):
    return torch.cat([part(mixer, x) for part in (high, low)], 1)


def high(mixer, x):
    height, width = x.shape[-2:]
    if not mixer.high_heads:
        return x[:, :0]
    q, k, v = parts.tokens_of(parts.pointwise(mixer.high_query_key_value, x)).chunk(3, -1)
    side = 2 * mixer.window - 1
    bias = pair_bias(x.new_zeros(mixer.high_heads, side, side), mixer.window, height, width)
    mixed = parts.attend(q, k, v, mixer.high_heads, bias=bias)
    return parts.pointwise(mixer.high_project, parts.map_of(mixed, height, width))


def low(mixer, x):
    height, width = x.shape[-2:]
    if not mixer.low_heads:
        return x[:, :0]
    rows, columns = (intervals(mixer.window, side) for side in (height, width))
    means = [x[:, :, row, column].mean((-2, -1)) for row in rows for column in columns]
    means = parts.map_of(torch.stack(means, 1), len(rows), len(columns))
    k, v = parts.tokens_of(parts.pointwise(mixer.low_key_value, means)).chunk(2, -1)
    q = parts.tokens_of(parts.pointwise(mixer.low_query, x))
    mixed = parts.attend(q, k, v, mixer.low_heads)
    return parts.pointwise(mixer.low_project, parts.map_of(mixed, height, width))
