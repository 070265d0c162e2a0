"""Each cell of the pool averaged by itself, then dense attention to the cells."""

import torch

from tests.naive import parts

VARIANTS = ({}, {"pool": 1}, {"pool": 4})


def naive(mixer, x):
    height, width = x.shape[-2:]
    pool = mixer.pool
    cells = []
    for row in range(pool):
        for column in range(pool):
            cell = x[:, :, cover(row, pool, height), cover(column, pool, width)]
            cells.append(cell.mean((-2, -1)))
    pooled = parts.map_of(torch.stack(cells, 1), pool, pool)
    reduced = parts.tokens_of(parts.pointwise(mixer.reduce, pooled))
    features = parts.gelu(parts.layer_norm(mixer.norm, reduced))
    k, v = (features @ mixer.key_value.weight.T + mixer.key_value.bias).chunk(2, -1)
    q = parts.tokens_of(parts.pointwise(mixer.query, x))
    mixed = parts.attend(q, k, v, mixer.num_heads)
    return parts.pointwise(mixer.project, parts.map_of(mixed, height, width))


def cover(index, cells, side):
    """The pixels that overlap the interval of a cell."""
    start = index * side // cells
    end = ((index + 1) * side - 1) // cells + 1
    return slice(start, end)
