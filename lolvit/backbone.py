"""LOLViT's trunk: GhostNet's stages, three of them with global-local fusion blocks."""

from __future__ import annotations

from dataclasses import replace

import torch.nn.functional as F
from torch import Tensor, nn

from attention_zoo.layers.conv_norm import ConvNorm
from attention_zoo.registry.mixer import Memory
from lolvit import plan
from lolvit.config import LolvitConfig
from lolvit.fusion import GlobalLocalFusion
from lolvit.ghost import GhostBottleneck
from lolvit.plan import FIRST_FUSED_STAGE, GhostRow
from lolvit.token_merging import DeformableTokenMerging


class Backbone(nn.Module):
    """The trunk of a LOLViT: (B, in_channels, R, R) -> maps at the ends of stages 2 to 5."""

    def __init__(self, config: LolvitConfig) -> None:
        super().__init__()
        channels = plan.stem_channels(config)
        self.stem = ConvNorm(config.in_channels, channels, 3, config.strides[0])
        self.stem_stride = config.strides[0]
        self.stages = nn.ModuleList()
        self.channels: list[int] = []
        for stage, rows in enumerate(plan.stages(config)):
            blocks = _bottlenecks(config, channels, rows)
            channels = rows[-1].out
            if stage >= FIRST_FUSED_STAGE:
                index = plan.fusion_index(config, stage)
                blocks[index:index] = [_fusion_blocks(config, stage, rows[index - 1].out)]
            self.stages.append(_Stage(*(block for group in blocks for block in group)))
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
        return self._count(height, width)[1:]

    def macs(self, height: int, width: int) -> int:
        """Multiply-accumulates for one height x width image."""
        return self._count(height, width)[0]

    def _count(self, height: int, width: int) -> tuple[int, int, int]:
        """MACs, and the sides of the last map."""
        height, width = -(-height // self.stem_stride), -(-width // self.stem_stride)
        total = self.stem.macs(height, width)
        for stage in self.stages:
            for block in stage:  # type: ignore[attr-defined]
                total += block.macs(height, width)
                if isinstance(block, GhostBottleneck | DeformableTokenMerging):
                    height, width = block.out_side(height), block.out_side(width)
        return total, height, width


class _Stage(nn.Sequential):
    """Blocks in sequence; the memory of their mixers lasts for one forward."""

    def forward(self, x: Tensor) -> Tensor:
        memory: Memory = []
        for block in self:
            x = block(x, memory) if isinstance(block, GlobalLocalFusion) else block(x)
        return x


def _bottlenecks(
    config: LolvitConfig, channels: int, rows: list[GhostRow]
) -> list[list[nn.Module]]:
    """The modules of each row: a bottleneck, after a token merging where that downsamples."""
    groups: list[list[nn.Module]] = []
    for row in rows:
        group: list[nn.Module] = []
        if row.stride > 1 and config.downsampling == "deformable":
            group.append(DeformableTokenMerging(channels))
            row = replace(row, stride=1)
        group.append(GhostBottleneck(channels, row))
        groups.append(group)
        channels = row.out
    return groups


def _fusion_blocks(config: LolvitConfig, stage: int, channels: int) -> list[nn.Module]:
    fused = stage - FIRST_FUSED_STAGE
    heads = plan.heads_for(channels, config.heads[fused])
    before = sum(config.fusion_blocks[:fused])
    return [
        GlobalLocalFusion(channels, heads, config.mixers[fused], config.fusion, before + block)
        for block in range(config.fusion_blocks[fused])
    ]
