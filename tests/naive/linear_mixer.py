"""One line, one pixel, one segment at a time; K as in the paper, empty segments skipped."""

import torch

from tests.naive import parts

VARIANTS = ({}, {"groups": 1}, {"groups": 2, "kernel": 3}, {"groups": 3, "kernel": 1})
SEGMENTS = ((1,), (2,), (3,), (4, 5), (6, 7), (8, 9, 10, 11))


def naive(mixer, x):
    height, width = x.shape[-2:]
    half = (mixer.dim + 1) // 2
    rows, columns = mixer.along_rows, mixer.along_columns
    u, v = parts.pointwise(mixer.enter, x).split(half, 1)
    a = along_rows(rows, v, rows.local.weight)
    # Columns are the rows of the transposed map.
    a = along_rows(columns, a.transpose(2, 3), columns.local.weight.transpose(2, 3)).transpose(2, 3)
    c = parts.pointwise(mixer.expand, parts.pointwise(mixer.squeeze, u).clamp(min=0))
    spatial = (a.mean((2, 3), keepdim=True) * c).sum(1, keepdim=True) / half
    channel = (a * c.mean(1, keepdim=True)).sum((2, 3), keepdim=True) / (height * width)
    both = torch.cat((c / (1 + torch.exp(-spatial)), a / (1 + torch.exp(-channel))), 1)
    return parts.pointwise(mixer.project, both)


def along_rows(axis, u, kernel):
    length = u.shape[-1]
    local = line_convolution(kernel, axis.local.bias, u)
    weights = torch.tanh(parts.pointwise(axis.weigh, local))  # (B, K * G, H, W)
    size = u.shape[1] // axis.groups
    pixels = []
    for x in range(length):
        segments = [[x]]
        for steps in SEGMENTS:
            segments += [[x + step for step in steps], [x - step for step in steps]]
        y = torch.zeros_like(u[..., 0])
        for k, segment in enumerate(segments):
            inside = [place for place in segment if 0 <= place < length]
            if inside:
                mean = u[..., inside].sum(-1) / len(segment)
                shared = weights[:, k * axis.groups : (k + 1) * axis.groups, :, x]
                y = y + shared.repeat_interleave(size, 1) * mean
        pixels.append(y)
    return torch.stack(pixels, -1)


def line_convolution(kernel, bias, u):
    """Depthwise 1 x P with zeros outside."""
    taps = kernel.shape[-1]
    reach = taps // 2
    zeros = u.new_zeros(*u.shape[:-1], reach)
    wide = torch.cat((zeros, u, zeros), -1)
    y = bias[None, :, None, None]
    for tap in range(taps):
        y = y + kernel[None, :, 0, 0, tap, None, None] * wide[..., tap : tap + u.shape[-1]]
    return y
