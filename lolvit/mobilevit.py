"""MobileViT-XXS/XS/S (arXiv 2110.02178): the baseline of the headline ratio."""

from __future__ import annotations

from dataclasses import dataclass

import torch.nn.functional as F
from torch import Tensor, nn

from attention_zoo.layers.conv_norm import ConvNorm
from lolvit.config import MobileVitConfig
from lolvit.mobilevit_block import MobileViTBlock


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
