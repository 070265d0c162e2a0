"""MobileViT-XXS/XS/S (arXiv 2110.02178): the baseline of the headline ratio."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attention_zoo.layers.conv_norm import ConvNorm
from lolvit.config import MobileVitConfig

PATCH = 2
HEADS = 4
FFN_RATIO = 2


@dataclass(frozen=True)
class _Size:
    channels: tuple[int, ...]  # of layers 1 to 5
    dims: tuple[int, ...]  # of the transformers in layers 3 to 5
    expansion: int


_SIZES = {
    "xxs": _Size((16, 24, 48, 64, 80), (64, 80, 96), 2),
    "xs": _Size((32, 48, 64, 80, 96), (96, 120, 144), 4),
    "s": _Size((32, 64, 96, 128, 160), (144, 192, 240), 4),
}
_STEM = 16
_LAYER2_BLOCKS = 3
_TRANSFORMERS = (2, 4, 3)


class InvertedResidual(nn.Module):
    """MobileNetV2's block with SiLU; a shortcut where shapes agree."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, expansion: int) -> None:
        super().__init__()
        hidden = in_channels * expansion
        self.expand = ConvNorm(in_channels, hidden)
        self.depthwise = ConvNorm(hidden, hidden, 3, stride, groups=hidden)
        self.project = ConvNorm(hidden, out_channels)
        self.stride = stride
        self.shortcut = stride == 1 and in_channels == out_channels

    def forward(self, x: Tensor) -> Tensor:
        y = self.project(F.silu(self.depthwise(F.silu(self.expand(x)))))
        return x + y if self.shortcut else y

    def out_side(self, side: int) -> int:
        """Length of an output side."""
        return -(-side // self.stride)

    def macs(self, height: int, width: int) -> int:
        """For one height x width *input* map."""
        out = self.out_side(height), self.out_side(width)
        return self.expand.macs(height, width) + self.depthwise.macs(*out) + self.project.macs(*out)


class MobileViTBlock(nn.Module):
    """(B, C, H, W) -> (B, C, H, W) by `depth` transformer layers of `dim` channels (sec. 3.1)."""

    def __init__(self, channels: int, dim: int, depth: int) -> None:
        super().__init__()
        self.local = ConvNorm(channels, channels, 3)
        self.enter = nn.Conv2d(channels, dim, 1, bias=False)
        self.layers = nn.Sequential(*(TransformerLayer(dim) for _ in range(depth)))
        self.norm = nn.LayerNorm(dim)
        self.leave = ConvNorm(dim, channels)
        self.fuse = ConvNorm(2 * channels, channels, 3)
        self._enter_macs = channels * dim

    def forward(self, x: Tensor) -> Tensor:
        y = self.enter(F.silu(self.local(x)))
        size = y.shape[-2:]
        even = tuple(_patches(side) * PATCH for side in size)
        if size != even:
            y = F.interpolate(y, even, mode="bilinear", align_corners=False)
        y = _fold(self.norm(self.layers(_unfold(y))), *even)
        if size != even:
            y = F.interpolate(y, size, mode="bilinear", align_corners=False)
        y = F.silu(self.leave(y))
        return F.silu(self.fuse(torch.cat((x, y), 1)))

    def macs(self, height: int, width: int) -> int:
        patches = _patches(height) * _patches(width)
        total = self.local.macs(height, width) + self._enter_macs * height * width
        total += sum(PATCH**2 * layer.macs(patches) for layer in self.layers)  # type: ignore[operator]
        return total + self.leave.macs(height, width) + self.fuse.macs(height, width)


class TransformerLayer(nn.Module):
    """Pre-norm attention and FFN over tokens: (groups, P, dim) -> (groups, P, dim)."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.attention_norm = nn.LayerNorm(dim)
        self.query_key_value = nn.Linear(dim, 3 * dim)
        self.project = nn.Linear(dim, dim)
        self.ffn_norm = nn.LayerNorm(dim)
        self.widen = nn.Linear(dim, FFN_RATIO * dim)
        self.narrow = nn.Linear(FFN_RATIO * dim, dim)
        self.dim = dim

    def forward(self, x: Tensor) -> Tensor:
        groups, tokens, dim = x.shape
        qkv = self.query_key_value(self.attention_norm(x))
        q, k, v = qkv.reshape(groups, tokens, 3, HEADS, dim // HEADS).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).flatten(2)
        x = x + self.project(mixed)
        return x + self.narrow(F.silu(self.widen(self.ffn_norm(x))))

    def macs(self, tokens: int) -> int:
        """For one group of tokens."""
        dense = (4 + 2 * FFN_RATIO) * tokens * self.dim**2
        return dense + 2 * tokens**2 * self.dim


class MobileViT(nn.Module):
    """The classifier: (B, C, R, R) -> (B, classes)."""

    def __init__(self, config: MobileVitConfig) -> None:
        super().__init__()
        size = _SIZES[config.size]
        first, second, *late = size.channels
        _, stride2, *late_strides = config.strides
        self.stem_stride = config.strides[0]
        self.stem = ConvNorm(config.in_channels, _STEM, 3, self.stem_stride)
        blocks: list[nn.Module] = [InvertedResidual(_STEM, first, 1, size.expansion)]
        channels = first
        for index in range(_LAYER2_BLOCKS):
            stride = stride2 if index == 0 else 1
            blocks.append(InvertedResidual(channels, second, stride, size.expansion))
            channels = second
        layers = zip(late, late_strides, size.dims, _TRANSFORMERS, strict=True)
        for out, stride, dim, depth in layers:
            blocks.append(InvertedResidual(channels, out, stride, size.expansion))
            blocks.append(MobileViTBlock(out, dim, depth))
            channels = out
        self.blocks = nn.Sequential(*blocks)
        self.trunk = ConvNorm(channels, 4 * channels)
        self.dropout = nn.Dropout(0.1)
        self.classifier = nn.Linear(4 * channels, config.num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.silu(self.trunk(self.blocks(F.silu(self.stem(x)))))
        return self.classifier(self.dropout(x.mean((2, 3))))

    def macs(self, height: int, width: int) -> int:
        """Multiply-accumulates for one height x width image."""
        height, width = -(-height // self.stem_stride), -(-width // self.stem_stride)
        total = self.stem.macs(height, width)
        for block in self.blocks:
            total += block.macs(height, width)  # type: ignore[operator]
            if isinstance(block, InvertedResidual):
                height, width = block.out_side(height), block.out_side(width)
        return total + self.trunk.macs(height, width) + self.classifier.weight.numel()


def _patches(side: int) -> int:
    return (side + PATCH - 1) // PATCH


def _unfold(x: Tensor) -> Tensor:
    """(B, C, H, W), even sides -> (B * 4, patches, C): one group per position within a patch."""
    b, c, h, w = x.shape
    tiles = x.reshape(b, c, h // PATCH, PATCH, w // PATCH, PATCH)
    return tiles.permute(0, 3, 5, 2, 4, 1).reshape(b * PATCH**2, -1, c)


def _fold(tokens: Tensor, height: int, width: int) -> Tensor:
    """The inverse of `_unfold`."""
    c = tokens.shape[-1]
    tiles = tokens.reshape(-1, PATCH, PATCH, height // PATCH, width // PATCH, c)
    return tiles.permute(0, 5, 3, 1, 4, 2).reshape(-1, c, height, width)
