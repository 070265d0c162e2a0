"""Layers of the twins, written out from their definitions: no fused kernels."""

from __future__ import annotations

import torch


def pointwise(layer, x):
    """A 1x1 convolution: one matrix for every pixel. (B, C, H, W) -> (B, O, H, W)."""
    y = torch.einsum("oc,bchw->bohw", layer.weight[:, :, 0, 0], x)
    return y if layer.bias is None else y + layer.bias[None, :, None, None]


def depthwise(layer, x):
    """A k x k depthwise convolution, stride 1, zeros outside: one term per tap."""
    height, width = x.shape[-2:]
    side = layer.weight.shape[-1]
    reach = side // 2
    wide = x.new_zeros(*x.shape[:2], height + 2 * reach, width + 2 * reach)
    wide[:, :, reach : reach + height, reach : reach + width] = x
    y = torch.zeros_like(x)
    for row in range(side):
        for column in range(side):
            tap = layer.weight[None, :, 0, row, column, None, None]
            y = y + tap * wide[:, :, row : row + height, column : column + width]
    return y if layer.bias is None else y + layer.bias[None, :, None, None]


def batch_norm(layer, x):
    """(x - mean) / sqrt(variance + eps), with the statistics of the batch when training."""
    if layer.training:
        mean = x.mean((0, 2, 3))
        variance = ((x - mean[None, :, None, None]) ** 2).mean((0, 2, 3))
    else:
        mean, variance = layer.running_mean, layer.running_var
    scale = layer.weight / torch.sqrt(variance + layer.eps)
    return (x - mean[None, :, None, None]) * scale[None, :, None, None] + layer.bias[
        None, :, None, None
    ]


def conv_norm(pair, x):
    """A ConvNorm: 1x1 or depthwise convolution, then batch norm."""
    convolution, norm = pair
    apply = pointwise if convolution.kernel_size == (1, 1) else depthwise
    return batch_norm(norm, apply(convolution, x))


def layer_norm(layer, tokens):
    """Over the last dimension."""
    centred = tokens - tokens.mean(-1, keepdim=True)
    variance = (centred**2).mean(-1, keepdim=True)
    return centred / torch.sqrt(variance + layer.eps) * layer.weight + layer.bias


def gelu(x):
    return x * (1 + torch.erf(x / 2**0.5)) / 2


def tokens_of(x):
    """(B, C, H, W) -> (B, N, C), row by row."""
    return x.flatten(2).transpose(1, 2)


def map_of(tokens, height, width):
    """(B, N, C) -> (B, C, H, W)."""
    return tokens.transpose(1, 2).reshape(tokens.shape[0], -1, height, width)


def softmax_rows(scores):
    shifted = torch.exp(scores - scores.detach().max(-1, keepdim=True).values)
    return shifted / shifted.sum(-1, keepdim=True)


def attend(q, k, v, heads, weights=None, bias=None):
    """Attention one image and one head at a time, over the whole table of weights.

    q: (B, N, C); k, v: (B, M, C); bias: (heads, N, M) added to the scores. `weights` turns scores
    into weights, softmax over the keys by default.
    """
    size = q.shape[-1] // heads
    images = []
    for image in range(q.shape[0]):
        outputs = []
        for head in range(heads):
            part = slice(head * size, (head + 1) * size)
            scores = q[image, :, part] @ k[image, :, part].T / size**0.5
            if bias is not None:
                scores = scores + bias[head]
            outputs.append((weights or softmax_rows)(scores) @ v[image, :, part])
        images.append(torch.cat(outputs, -1))
    return torch.stack(images)
