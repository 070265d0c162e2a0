"""MACs and parameters of a LOLViT by formula, without building it: thousands per second.

Equal, as integers, to those of the built network (tests/lolvit/test_analytic.py). The skeleton is
plain arithmetic; mixers have formulas of their own and are built once per width on torch's meta
device.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TYPE_CHECKING

from lolvit import plan
from lolvit.config import LolvitConfig
from lolvit.mixer_config import MixerConfig
from lolvit.plan import FFN_EXPANSION, FIRST_FUSED_STAGE, GhostRow

if TYPE_CHECKING:
    from attention_zoo.registry.mixer import Mixer


@dataclass(frozen=True)
class AnalyticCosts:
    """Multiply-accumulates of one image, and trainable parameters."""

    macs: int = 0
    params: int = 0

    def __add__(self, other: AnalyticCosts) -> AnalyticCosts:
        return AnalyticCosts(self.macs + other.macs, self.params + other.params)


@dataclass(frozen=True)
class _Map:
    """The size of a feature map."""

    channels: int
    side: int

    @property
    def pixels(self) -> int:
        return self.side**2


def analytic_costs(config: LolvitConfig) -> AnalyticCosts:
    """Exact MACs and parameters of a config.

    Raises:
        MixerError: a mixer option whose value is not allowed.
    """
    size = _Map(plan.stem_channels(config), -(-config.resolution // config.strides[0]))
    total = _conv_norm(config.in_channels, size.channels, size.pixels, kernel=3)
    for stage, rows in enumerate(plan.stages(config)):
        fused = stage - FIRST_FUSED_STAGE
        last = plan.fusion_index(config, stage) if fused >= 0 else 0
        for index, row in enumerate(rows, 1):
            costs, size = _row(config, row, size)
            total += costs
            if index == last:
                total += _fusion_blocks(config, fused, size)
    return total + _head(config, size)


def _head(config: LolvitConfig, last: _Map) -> AnalyticCosts:
    trunk, feature = plan.trunk_channels(config), config.feature_channels
    costs = _conv_norm(last.channels, trunk, last.pixels)
    return costs + _dense(trunk, feature) + _dense(feature, config.num_classes)


def _row(config: LolvitConfig, row: GhostRow, before: _Map) -> tuple[AnalyticCosts, _Map]:
    """A row of the plan, with a token merging before it, and the map after it."""
    after = _Map(row.out, -(-before.side // row.stride))
    if row.stride == 1 or config.downsampling == "strided":
        return _bottleneck(row, before, after), after
    merged = replace(before, side=after.side)
    costs = _token_merging(merged) + _bottleneck(replace(row, stride=1), merged, after)
    return costs, after


def _bottleneck(row: GhostRow, before: _Map, after: _Map) -> AnalyticCosts:
    costs = _ghost(before.channels, row.expand, before.pixels)
    costs += _ghost(row.expand, row.out, after.pixels)
    if row.stride > 1:
        costs += _depthwise(row.expand, after.pixels, row.kernel)
    if row.squeeze:
        squeezed = plan.squeezed_channels(row.expand)
        costs += _dense(row.expand, squeezed) + _dense(squeezed, row.expand)
    if row.stride > 1 or before.channels != row.out:
        costs += _depthwise(before.channels, after.pixels, row.kernel)
        costs += _conv_norm(before.channels, row.out, after.pixels)
    return costs


def _fusion_blocks(config: LolvitConfig, fused: int, at: _Map) -> AnalyticCosts:
    """All fusion blocks of a stage; `fused` counts such stages from 0."""
    costs = AnalyticCosts()
    heads = plan.heads_for(at.channels, config.heads[fused])
    before = sum(config.fusion_blocks[:fused])
    for block in range(before, before + config.fusion_blocks[fused]):
        costs += _depthwise(at.channels, at.pixels, 3) + AnalyticCosts(params=2 * at.channels)
        costs += _mixer(config.mixers[fused], at.channels, heads, block, at.side)
        costs += _FUSIONS[config.fusion](at)
        row = GhostRow(3, FFN_EXPANSION * at.channels, at.channels, squeeze=False)
        costs += _bottleneck(row, at, at)
    return costs


def _ghost(inputs: int, outputs: int, pixels: int) -> AnalyticCosts:
    half = -(-outputs // 2)
    return _conv_norm(inputs, half, pixels) + _depthwise(half, pixels, 3)


def _depthwise(channels: int, pixels: int, kernel: int) -> AnalyticCosts:
    return _conv_norm(1, channels, pixels, kernel)


def _conv_norm(inputs: int, outputs: int, pixels: int, kernel: int = 1) -> AnalyticCosts:
    """A convolution without bias and its norm; `inputs` are those that one output sees."""
    weights = kernel**2 * inputs * outputs
    return AnalyticCosts(weights * pixels, weights + 2 * outputs)


def _dense(inputs: int, outputs: int) -> AnalyticCosts:
    return AnalyticCosts(inputs * outputs, (inputs + 1) * outputs)


def _token_merging(after: _Map) -> AnalyticCosts:
    taps = plan.MERGED_TAPS
    offset = taps * after.channels * 2 * taps
    merge = _conv_norm(taps * after.channels, after.channels, after.pixels)
    return AnalyticCosts(offset * after.pixels, offset + 2 * taps) + merge


_FUSIONS = {
    "ghost": lambda at: _ghost(2 * at.channels, at.channels, at.pixels),
    "concat": lambda at: _conv_norm(2 * at.channels, at.channels, at.pixels),
    "add": lambda at: AnalyticCosts(),
    "gate": lambda at: AnalyticCosts(),
    "serial": lambda at: AnalyticCosts(),
}


@lru_cache(maxsize=100_000)
def _mixer(mixer: MixerConfig, channels: int, heads: int, block: int, side: int) -> AnalyticCosts:
    built = _built(mixer, channels, heads, block)
    return AnalyticCosts(built.macs(side, side), sum(p.numel() for p in built.parameters()))


@lru_cache(maxsize=1_000)
def _built(mixer: MixerConfig, channels: int, heads: int, block: int) -> Mixer:
    """The mixer without memory for its weights; torch is imported only where a mixer is used."""
    import torch

    from lolvit.fusion import build_block_mixer

    with torch.device("meta"):
        return build_block_mixer(mixer, channels, heads, block)
