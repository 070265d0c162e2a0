"""LOLViT's trunk: GhostNet's stages, three of them ending in global-local fusion blocks."""

from __future__ import annotations

from dataclasses import replace

import torch.nn.functional as F
from torch import Tensor, nn

from attention_zoo.contract import Memory
from attention_zoo.conv_norm import ConvNorm
from lolvit import plan
from lolvit.config import LolvitConfig
from lolvit.fusion import GlobalLocalFusion
from lolvit.ghost import GhostBottleneck
from lolvit.token_merging import DeformableTokenMerging

_FIRST_FUSED_STAGE = 2  # stage 3, counted from 0


class Backbone(nn.Module):
    """The trunk of a LOLViT: (B, in_channels, R, R) -> maps at the ends of stages 2 to 5."""

    def __init__(self, config: LolvitConfig) -> None:
        super().__init__()
        channels = plan.stem_channels(config)
        self.stem = ConvNorm(config.in_channels, channels, 3, config.strides[0])
        self.stem_stride = config.strides[0]
        self.stages = nn.ModuleList()
        self.channels: list[int] = []
        for index, rows in enumerate(plan.stages(config)):
            blocks: list[nn.Module] = []
            for row in rows:
                if row.stride > 1 and config.downsampling == "deformable":
                    blocks.append(DeformableTokenMerging(channels))
                    row = replace(row, stride=1)
                blocks.append(GhostBottleneck(channels, row))
                channels = row.out
            if index >= _FIRST_FUSED_STAGE:
                blocks += _fusion_blocks(config, index - _FIRST_FUSED_STAGE, channels)
            self.stages.append(_Stage(*blocks))
            self.channels.append(channels)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Maps at the ends of stages 2 to 5: strides 4, 8, 16, 32 on large images."""
        x = F.relu(self.stem(x))
        maps = []
        for stage in self.stages:
            x = stage(x)
            maps.append(x)
        return maps[1:]

    def out_sides(self, height: int, width: int) -> tuple[int, int]:
        """Sides of the last map."""
        return self._walk(height, width)[1:]

    def macs(self, height: int, width: int) -> int:
        """Multiply-accumulates for one height x width image."""
        return self._walk(height, width)[0]

    def _walk(self, height: int, width: int) -> tuple[int, int, int]:
        height, width = -(-height // self.stem_stride), -(-width // self.stem_stride)
        total = self.stem.macs(height, width)
        for stage in self.stages:
            for block in stage:  # type: ignore[attr-defined]
                total += block.macs(height, width)
                if isinstance(block, GhostBottleneck | DeformableTokenMerging):
                    height, width = block.out_side(height), block.out_side(width)
        return total, height, width


class _Stage(nn.Sequential):
    """Blocks one after another; the memory of their mixers lives for one forward."""

    def forward(self, x: Tensor) -> Tensor:
        memory: Memory = []
        for block in self:
            x = block(x, memory) if isinstance(block, GlobalLocalFusion) else block(x)
        return x


def _fusion_blocks(config: LolvitConfig, stage: int, channels: int) -> list[nn.Module]:
    heads = plan.heads_for(channels, config.heads[stage])
    before = sum(config.fusion_blocks[:stage])
    return [
        GlobalLocalFusion(channels, heads, config.mixers[stage], config.fusion, before + block)
        for block in range(config.fusion_blocks[stage])
    ]
