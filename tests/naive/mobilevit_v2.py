"""The four groups of pixels with one place in their 2x2 patch; a context for each."""

import torch

from tests.naive import parts
from tests.naive.mobilevit import resize

VARIANTS = ({},)


def naive(mixer, x):
    height, width = x.shape[-2:]
    resized = resize(x, height + height % 2, width + width % 2)
    mixed = torch.zeros_like(resized)
    for row in range(2):
        for column in range(2):
            group = resized[:, :, row::2, column::2]
            tokens = parts.tokens_of(parts.pointwise(mixer.query_key_value, group))
            scores, k, v = tokens[..., :1], *tokens[..., 1:].chunk(2, -1)
            shares = parts.softmax_rows(scores.transpose(1, 2)).transpose(1, 2)
            context = (shares * k).sum(1, keepdim=True)
            attended = parts.map_of(v.clamp(min=0) * context, *group.shape[-2:])
            mixed[:, :, row::2, column::2] = attended
    return resize(parts.pointwise(mixer.project, mixed), height, width)
