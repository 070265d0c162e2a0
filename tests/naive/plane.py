"""Dense N x N attention: -inf between pixels that are not in one line."""

import torch

from tests.naive import parts

VARIANTS = ({}, {"axis": "row"}, {"axis": "col"}, {"axis": "both"})


def naive(mixer, x):
    height, width = x.shape[-2:]
    q, k, v = parts.tokens_of(parts.pointwise(mixer.query_key_value, x)).chunk(3, -1)
    axes = ("row", "col") if mixer.axis == "both" else (mixer.axis,)
    mixed = sum(
        parts.attend(q, k, v, mixer.num_heads, bias=same_line(axis, height, width, mixer.num_heads))
        for axis in axes
    ) / len(axes)
    return parts.pointwise(mixer.project, parts.map_of(mixed, height, width))


def same_line(axis, height, width, heads):
    """(heads, N, N): 0 between pixels of one row, or of one column, -inf elsewhere."""
    pixels = [(row, column) for row in range(height) for column in range(width)]
    along = 0 if axis == "row" else 1
    bias = torch.full((len(pixels), len(pixels)), float("-inf"))
    for i, pixel in enumerate(pixels):
        for j, other in enumerate(pixels):
            if pixel[along] == other[along]:
                bias[i, j] = 0
    return bias.expand(heads, -1, -1)
