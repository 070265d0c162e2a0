"""The MobileViT block: local 3x3, transformer over unfolded patches, fusion with the input."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attention_zoo.layers.conv_norm import ConvNorm

PATCH = 2
HEADS = 4
FFN_RATIO = 2


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


def _patches(side: int) -> int:
    return (side + PATCH - 1) // PATCH


def _unfold(x: Tensor) -> Tensor:
    """(B, C, H, W), even sides -> (B * 4, patches, C): one group per place within a patch."""
    b, c, h, w = x.shape
    tiles = x.reshape(b, c, h // PATCH, PATCH, w // PATCH, PATCH)
    return tiles.permute(0, 3, 5, 2, 4, 1).reshape(b * PATCH**2, -1, c)


def _fold(tokens: Tensor, height: int, width: int) -> Tensor:
    """The inverse of `_unfold`."""
    c = tokens.shape[-1]
    tiles = tokens.reshape(-1, PATCH, PATCH, height // PATCH, width // PATCH, c)
    return tiles.permute(0, 5, 3, 1, 4, 2).reshape(-1, c, height, width)
