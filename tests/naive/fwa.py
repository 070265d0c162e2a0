"""One window at a time, its pixels make a key; then the N x M table of weights, head by head."""

import torch

from tests.naive import parts

VARIANTS = (
    {},
    {"normalizer": "relu_sum"},
    {"normalizer": "softmax"},
    {"normalizer": "relu_unscaled"},
    {"aggregate": "mean"},
    {"aggregate": "max"},
    {"aggregate": "weighted"},
    {"aggregate": "strided", "window": 3},
    {"aggregate": "strided", "window": 1},
    {"aggregate": "mean", "window": 7, "normalizer": "softmax"},
    {"aggregate": "weighted", "window": 2, "normalizer": "relu_sum"},
    {"aggregate": "max", "window": 30},
    {"window": 1},
    {"window": "fixed:3"},
    {"aggregate": "max", "window": "fixed:7"},
    {"window": "global"},
    {"window": "global", "normalizer": "softmax"},
)


def naive(mixer, x):
    height, width = x.shape[-2:]
    k, v = parts.tokens_of(parts.conv_norm(mixer.key_value, keys_map(mixer, x))).chunk(2, -1)
    q = parts.tokens_of(parts.conv_norm(mixer.query, x))

    def weights(scores):
        if mixer.normalizer == "softmax":
            return parts.softmax_rows(scores)
        positive = scores.clamp(min=0)
        if mixer.normalizer == "relu":
            return positive / scores.shape[-1]
        if mixer.normalizer == "relu_sum":
            return positive / (positive.sum(-1, keepdim=True) + 1e-6)
        return positive

    mixed = parts.attend(q, k, v, mixer.num_heads, weights)
    return parts.conv_norm(mixer.project, parts.map_of(mixed, height, width))


def keys_map(mixer, x):
    """(B, C, M_H, M_W): what each window's pixels become."""
    if mixer.windows.rule == "global":
        return x
    rows, columns = (intervals(mixer.windows.rule, side) for side in x.shape[-2:])
    kind = type(mixer.aggregate).__name__
    summary = {"Weighted": weighted, "Strided": strided}.get(kind, mean)
    if kind == "Aggregation" and mixer.aggregate.maximum:
        summary = maximum
    lines = [
        torch.stack([summary(mixer.aggregate, x[:, :, row, column]) for column in columns], -1)
        for row in rows
    ]
    keys = torch.stack(lines, -2)
    if kind == "MeanDepthwise":
        keys = keys + parts.conv_norm(mixer.aggregate.local, keys)
    return keys


def intervals(rule, side):
    """The pixels of each window along one side, as slices."""
    if isinstance(rule, str) and rule.startswith("fixed:"):
        cells = min(int(rule.removeprefix("fixed:")), side)
        return [slice(i * side // cells, -(-(i + 1) * side // cells)) for i in range(cells)]
    length = rule
    if rule == "sqrt":
        length = 1
        while length * length < side:
            length += 1
    return [slice(start, min(start + length, side)) for start in range(0, side, length)]


def mean(layer, window):
    return window.mean((-2, -1))


def maximum(layer, window):
    return window.flatten(-2).max(-1).values


def weighted(layer, window):
    shares = parts.softmax_rows(parts.pointwise(layer.score, window).flatten(-2))
    return (window.flatten(-2) * shares).sum(-1)


def strided(layer, window):
    """A border window meets only the taps that lie on the map."""
    high, wide = window.shape[-2:]
    return (window * layer.conv.weight[None, :, 0, :high, :wide]).sum((-2, -1))
