"""Each branch by itself: one head after another, one pool window after another."""

import torch

from tests.naive import parts
from tests.naive.mobilevit import resize

VARIANTS = (
    {},
    {"key_dim": 3, "value_dim": 5},
    {"pool": 2},
    {"pool": 3, "key_dim": 4, "value_dim": 4},
)


def naive(mixer, x):
    return attention(mixer, x) + gated(mixer, x)


def gated(mixer, x):
    widened = parts.conv_norm(mixer.separable[0], x)
    local = parts.conv_norm(mixer.spatial, x) + scaled(mixer.scale, x)
    local = local + parts.conv_norm(mixer.separable[1], widened) + x
    means = local.mean((2, 3), keepdim=True)
    hidden = parts.pointwise(mixer.squeeze, means).clamp(min=0)
    return local / (1 + torch.exp(-parts.pointwise(mixer.excite, hidden)))


def scaled(pair, x):
    """A depthwise 1x1 convolution is one factor a channel."""
    convolution, norm = pair
    return parts.batch_norm(norm, x * convolution.weight[None, :, 0, 0, 0, None, None])


def attention(mixer, x):
    height, width = x.shape[-2:]
    pooled = pool_means(x, mixer.pool)
    tokens = parts.tokens_of(parts.conv_norm(mixer.query_key_value, pooled))
    heads = []
    for head in tokens.chunk(mixer.num_heads, -1):
        q, k, v = head.split(mixer.sizes, -1)
        weights = parts.softmax_rows(torch.einsum("bnd,bmd->bnm", q, k) / q.shape[-1] ** 0.5)
        heads.append(weights @ v)
    mixed = parts.map_of(torch.cat(heads, -1).clamp(0, 6), *pooled.shape[-2:])
    return resize(parts.conv_norm(mixer.project, mixed), height, width)


def pool_means(x, side):
    height, width = x.shape[-2:]
    lines = [
        torch.stack(
            [
                x[:, :, row : row + side, column : column + side].mean((2, 3))
                for column in range(0, width, side)
            ],
            -1,
        )
        for row in range(0, height, side)
    ]
    return torch.stack(lines, -2)
