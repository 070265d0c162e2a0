"""Dense N x N attention: windows whose borders lie w // 2 further, cut off by the map's border."""

from tests.naive import parts
from tests.naive.window import pair_bias

VARIANTS = ({}, {"window": 1}, {"window": 2}, {"window": 5})


def naive(mixer, x):
    height, width = x.shape[-2:]
    q, k, v = parts.tokens_of(parts.pointwise(mixer.query_key_value, x)).chunk(3, -1)
    window = mixer.window
    shifts = [window // 2 if side > window else 0 for side in (height, width)]
    bias = pair_bias(mixer.bias_table, window, height, width, shifts)
    mixed = parts.attend(q, k, v, mixer.num_heads, bias=bias)
    return parts.pointwise(mixer.project, parts.map_of(mixed, height, width))
