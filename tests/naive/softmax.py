"""The N x N table of softmax weights, one head at a time."""

import torch

from tests.naive import parts
from tests.naive.mobilevit import resize

VARIANTS = ({}, {"relative_bias": True})


def naive(mixer, x):
    height, width = x.shape[-2:]
    q, k, v = parts.tokens_of(parts.pointwise(mixer.query_key_value, x)).chunk(3, -1)
    bias = None
    if mixer.bias_table is not None:
        bias = pair_bias(mixer.bias_table, height, width)
    mixed = parts.attend(q, k, v, mixer.num_heads, bias=bias)
    return parts.pointwise(mixer.project, parts.map_of(mixed, height, width))


def pair_bias(table, height, width):
    """(heads, N, N): the entry of each query-key pair, of the table resized to this map."""
    table = resize(table[None], 2 * height - 1, 2 * width - 1)[0]
    pixels = [(row, column) for row in range(height) for column in range(width)]
    down = [[row - other + height - 1 for other, _ in pixels] for row, _ in pixels]
    right = [[column - other + width - 1 for _, other in pixels] for _, column in pixels]
    return table[:, torch.tensor(down), torch.tensor(right)]
