"""Both tables of weights, M x N and N x M, one image and one head at a time."""

from tests.naive import parts

VARIANTS = ({}, {"latents": 1}, {"latents": 5, "local": True})


def naive(mixer, x):
    height, width = x.shape[-2:]
    q, k, v = parts.tokens_of(parts.pointwise(mixer.query_key_value, x)).chunk(3, -1)
    latents = mixer.latents.expand(x.shape[0], -1, -1)
    read = parts.attend(latents, k, v, mixer.num_heads)
    mixed = parts.map_of(parts.attend(q, latents, read, mixer.num_heads), height, width)
    if mixer.local is not None:
        mixed = mixed + parts.depthwise(mixer.local, parts.map_of(v, height, width))
    return parts.pointwise(mixer.project, mixed)
