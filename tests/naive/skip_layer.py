"""Without memory: softmax attention. With it: one head at a time, its keys chosen by its number."""

import torch

from tests.naive import parts

VARIANTS = ({}, {"n_h": 0}, {"n_h": 5, "n_l": 2})


def naive(mixer, x):
    return stack([mixer], [x])[0]


def stack(mixers, maps):
    """Outputs of the layers of one stage; layer l has maps[l] as its input."""
    tokens = [
        parts.tokens_of(parts.pointwise(mixer.query_key_value, x)).chunk(3, -1)
        for mixer, x in zip(mixers, maps, strict=True)
    ]
    outputs = []
    for layer, mixer in enumerate(mixers):
        size = mixer.head_dim
        heads = []
        for head in range(mixer.num_heads):
            back = mixer.n_l if head < mixer.n_h and layer >= mixer.n_l else 0
            part = slice(head * size, (head + 1) * size)
            q = tokens[layer][0][..., part]
            k, v = (value[..., part] for value in tokens[layer - back][1:])
            heads.append(parts.attend(q, k, v, 1))
        mixed = parts.map_of(torch.cat(heads, -1), *maps[layer].shape[-2:])
        outputs.append(parts.pointwise(mixer.project, mixed))
    return outputs
