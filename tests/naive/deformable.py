"""One key at a time: its position, its sample from four pixels; one query-key pair at a time."""

import torch

from tests.naive import parts

VARIANTS = (
    {},
    {"groups": 3, "stride": 1, "kernel": 3, "base": 4},
    {"groups": 6, "stride": 3, "kernel": 1},
    {"reference": "dat"},
    {"reference": "dat++", "base": 3},
    {"reference": "dat++", "stride": 4, "kernel": 7, "base": 1},
)


def naive(mixer, x):
    height, width = x.shape[-2:]
    rows, columns = -(-height // mixer.stride), -(-width // mixer.stride)
    q = parts.pointwise(mixer.query, x)
    heads = mixer.num_heads // mixer.groups
    samples, biases = [], []
    groups = zip(q.chunk(mixer.groups, 1), x.chunk(mixer.groups, 1), strict=True)
    for group, (query, pixels) in enumerate(groups):
        tables = mixer.bias_table[group * heads : (group + 1) * heads]
        spots = positions(mixer, query, rows, columns)
        samples.append(torch.cat([read(pixels, y[:, None], x[:, None]) for y, x in spots], -1))
        biases.append(
            torch.stack([key_bias(mixer, tables, *spot, height, width) for spot in spots], -1)
        )
    tokens = torch.cat(samples, 1)[..., None]  # (B, C, M, 1)
    k, v = parts.tokens_of(parts.pointwise(mixer.key_value, tokens)).chunk(2, -1)
    bias = torch.cat(biases, 1)  # (B, h, N, M)
    mixed = torch.cat(
        [
            parts.attend(q1[None], k1[None], v1[None], mixer.num_heads, bias=bias1)
            for q1, k1, v1, bias1 in zip(parts.tokens_of(q), k, v, bias, strict=True)
        ]
    )
    return parts.pointwise(mixer.project, parts.map_of(mixed, height, width))


def positions(mixer, query, rows, columns):
    """Pixel coordinates (y, x), each (B,), of every key."""
    sides, keys = query.shape[-2:], (rows, columns)
    local = strided(mixer.gather, query, keys)
    tokens = parts.gelu(parts.layer_norm(mixer.norm, parts.tokens_of(local)))
    moves = torch.einsum("bnc,oc->bno", tokens, mixer.offset.weight[:, :, 0, 0])
    spots = []
    for row in range(rows):
        for column in range(columns):
            move = moves[:, row * columns + column]
            spots.append(
                [
                    coordinate(mixer, index, move[:, axis], sides[axis], keys[axis])
                    for axis, index in enumerate((row, column))
                ]
            )
    return spots


def coordinate(mixer, index, move, side, keys):
    if mixer.reference == "centered":
        cell = range(side)[index * mixer.stride : (index + 1) * mixer.stride]
        return ((cell[0] + cell[-1]) / 2 + move).clamp(0, side - 1)
    if mixer.reference == "dat":
        unit = (index + 0.5) / keys * 2 - 1 + 2 * torch.tanh(move) / keys
    else:
        unit = ((index + 0.5) / max(keys - 1, 1) * 2 - 1 + move).clamp(-1, 1)
    return (unit + 1) / 2 * (side - 1)


def strided(layer, x, keys):
    """Depthwise, stride r, zeros outside: every r-th place of the stride-1 convolution."""
    stride = layer.stride[0]
    return parts.depthwise(layer, x)[:, :, ::stride, ::stride][:, :, : keys[0], : keys[1]]


def read(maps, y, x):
    """(B, C, H, W) at (B, R) positions: sums over all pixels of their bilinear shares."""
    height, width = maps.shape[-2:]
    down = (1 - (y[..., None] - torch.arange(height)).abs()).clamp(min=0)
    right = (1 - (x[..., None] - torch.arange(width)).abs()).clamp(min=0)
    return torch.einsum("bchw,brh,brw->bcr", maps, down, right)


def key_bias(mixer, tables, y, x, height, width):
    """From every query to the key at (y, x), each (B,): (B, heads, N)."""
    base = (tables.shape[-1] + 1) // 2
    rows = torch.arange(height).repeat_interleave(width)
    columns = torch.arange(width).repeat(height)
    if mixer.reference == "dat":  # cell centres on the scale of pixels
        rows = (rows.to(y) + 0.5) / height * (height - 1)
        columns = (columns.to(y) + 0.5) / width * (width - 1)
    down = (rows - y[:, None]) * (base - 1) / max(height - 1, 1) + base - 1
    right = (columns - x[:, None]) * (base - 1) / max(width - 1, 1) + base - 1
    return read(tables[None].expand(len(y), -1, -1, -1), down, right)
