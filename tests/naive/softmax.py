"""The N x N table of softmax weights, one head at a time."""

from tests.naive import parts

VARIANTS = ({},)


def naive(mixer, x):
    q, k, v = parts.tokens_of(parts.pointwise(mixer.query_key_value, x)).chunk(3, -1)
    mixed = parts.attend(q, k, v, mixer.num_heads)
    return parts.pointwise(mixer.project, parts.map_of(mixed, *x.shape[-2:]))
