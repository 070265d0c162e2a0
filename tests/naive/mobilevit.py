"""The four groups of pixels with one place in their 2x2 patch, one after another."""

import torch

from tests.naive import parts

VARIANTS = ({},)


def naive(mixer, x):
    height, width = x.shape[-2:]
    even_height, even_width = height + height % 2, width + width % 2
    resized = resize(x, even_height, even_width)
    mixed = torch.zeros_like(resized)
    for row in range(2):
        for column in range(2):
            group = resized[:, :, row::2, column::2]
            q, k, v = parts.tokens_of(parts.pointwise(mixer.query_key_value, group)).chunk(3, -1)
            attended = parts.map_of(parts.attend(q, k, v, mixer.num_heads), *group.shape[-2:])
            mixed[:, :, row::2, column::2] = attended
    return resize(parts.pointwise(mixer.project, mixed), height, width)


def resize(x, height, width):
    """Bilinear, corners not aligned, as two matrices of interpolation weights."""
    rows = interpolation(x.shape[-2], height).to(x.dtype)
    columns = interpolation(x.shape[-1], width).to(x.dtype)
    return torch.einsum("ri,bcij,sj->bcrs", rows, x, columns)


def interpolation(old, new):
    """(new, old): each new position's share of its two old neighbours."""
    shares = torch.zeros(new, old, dtype=torch.float64)
    for index in range(new):
        place = max((index + 0.5) * old / new - 0.5, 0)
        low = min(int(place), old - 1)
        high = min(low + 1, old - 1)
        shares[index, low] += 1 - (place - low)
        shares[index, high] += place - low
    return shares
