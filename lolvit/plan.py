"""GhostNet's table for a config: channels, kernel and stride of every block. No torch."""

from __future__ import annotations

from dataclasses import dataclass

from lolvit.config import LolvitConfig


@dataclass(frozen=True)
class GhostRow:
    """One Ghost bottleneck: kernel, expanded and output channels, squeeze-excite or not, stride."""

    kernel: int
    expand: int
    out: int
    squeeze: bool
    stride: int = 1


# GhostNet-1.0x (arXiv 1911.11907, table 1), one tuple a stage; strides come from the config.
_TABLE = (
    (GhostRow(3, 16, 16, False),),
    (GhostRow(3, 48, 24, False), GhostRow(3, 72, 24, False)),
    (GhostRow(5, 72, 40, True), GhostRow(5, 120, 40, True)),
    (
        GhostRow(3, 240, 80, False),
        GhostRow(3, 200, 80, False),
        GhostRow(3, 184, 80, False),
        GhostRow(3, 184, 80, False),
        GhostRow(3, 480, 112, True),
        GhostRow(3, 672, 112, True),
    ),
    (
        GhostRow(5, 672, 160, True),
        GhostRow(5, 960, 160, False),
        GhostRow(5, 960, 160, True),
        GhostRow(5, 960, 160, False),
        GhostRow(5, 960, 160, True),
    ),
)
_STEM = 16
FFN_EXPANSION = 2
"""Expansion of the Ghost bottleneck at the end of a fusion block."""
MERGED_TAPS = 4
"""Pixels that deformable token merging joins into one."""
FIRST_FUSED_STAGE = 2  # stage 3, counted from 0
_MIN_HEAD_CHANNELS = 8


def stem_channels(config: LolvitConfig) -> int:
    """Output channels of the stem."""
    return round_channels(_STEM * config.width)


def stages(config: LolvitConfig) -> list[list[GhostRow]]:
    """The Ghost bottlenecks of stages 1 to 5."""
    firsts = (1, *config.strides[1:])
    return [
        [_row(config, stage, row, first if index == 0 else 1) for index, row in enumerate(rows)]
        for stage, (rows, first) in enumerate(zip(_kept(config), firsts, strict=True))
    ]


def fusion_index(config: LolvitConfig, stage: int) -> int:
    """Number of bottlenecks before the fusion blocks of a stage; stages count from 0."""
    return config.fusion_after[stage - FIRST_FUSED_STAGE] or config.depths[stage]


def _kept(config: LolvitConfig) -> list[tuple[GhostRow, ...]]:
    return [rows[:depth] for rows, depth in zip(_TABLE, config.depths, strict=True)]


def _row(config: LolvitConfig, stage: int, row: GhostRow, stride: int) -> GhostRow:
    width = config.width * config.stage_widths[stage]
    return GhostRow(
        config.kernels[stage] or row.kernel,
        round_channels(row.expand * width * config.expansions[stage]),
        round_channels(row.out * width),
        row.squeeze if config.squeeze == "table" else config.squeeze == "all",
        stride,
    )


def trunk_channels(config: LolvitConfig) -> int:
    """Channels of the 1x1 convolution before pooling."""
    return round_channels(config.trunk_channels * config.width)


def squeezed_channels(channels: int) -> int:
    """Channels inside a squeeze-excite."""
    return round_channels(channels / 4)


def round_channels(channels: float, multiple: int = 4) -> int:
    """The nearest multiple of 4, at most 10 % below `channels` (the MobileNet rule)."""
    rounded = max(multiple, int(channels + multiple / 2) // multiple * multiple)
    return rounded + multiple if rounded < 0.9 * channels else rounded


def heads_for(channels: int, limit: int) -> int:
    """The most heads, up to `limit`, that divide the channels into at least 8 each."""
    for heads in range(min(limit, channels), 1, -1):
        if channels % heads == 0 and channels // heads >= _MIN_HEAD_CHANNELS:
            return heads
    return 1
