"""The N x N table of weights that linear attention never forms."""

from tests.naive import parts

VARIANTS = ({},)


def naive(mixer, x):
    q, k, v = parts.tokens_of(parts.pointwise(mixer.query_key_value, x)).chunk(3, -1)
    size = mixer.head_dim

    def weights(scores):  # of ReLU features, so only the 1 / sqrt(d) has to go
        products = scores * size**0.5
        return products / (products.sum(-1, keepdim=True) + 1e-6)

    mixed = parts.attend(q.clamp(min=0), k.clamp(min=0), v, mixer.num_heads, weights)
    return parts.pointwise(mixer.project, parts.map_of(mixed, *x.shape[-2:]))
