"""MACs and parameters of a LOLViT by formula, without building it: thousands a second.

Equal, as integers, to those of the built network (tests/lolvit/test_analytic.py). The skeleton is
plain arithmetic; a mixer is asked for its own formula once for each width, on torch's meta device.
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
class Analytic:
    """What is known of an architecture before it exists.

    Args:
        macs: multiply-accumulates of one image.
        params: trainable parameters.
    """

    macs: int = 0
    params: int = 0

    def __add__(self, other: Analytic) -> Analytic:
        return Analytic(self.macs + other.macs, self.params + other.params)


@dataclass(frozen=True)
class _Map:
    """The map on its way through the network."""

    channels: int
    side: int

    @property
    def pixels(self) -> int:
        return self.side**2


def analytic(config: LolvitConfig) -> Analytic:
    """Exact MACs and parameters of a config.

    Raises:
        MixerError: a mixer option whose value is not allowed.
    """
    now = _Map(plan.stem_channels(config), -(-config.resolution // config.strides[0]))
    total = _conv_norm(config.in_channels, now.channels, now.pixels, kernel=3)
    for stage, rows in enumerate(plan.stages(config)):
        fused = stage - FIRST_FUSED_STAGE
        place = plan.fusion_place(config, stage) if fused >= 0 else 0
        for index, row in enumerate(rows, 1):
            found, now = _row(config, row, now)
            total += found
            if index == place:
                total += _fusion_blocks(config, fused, now)
    return total + _head(config, now)


def _head(config: LolvitConfig, last: _Map) -> Analytic:
    trunk = plan.trunk_channels(config)
    found = _conv_norm(last.channels, trunk, last.pixels)
    return (
        found
        + _dense(trunk, config.feature_channels)
        + _dense(config.feature_channels, config.num_classes)
    )


def _row(config: LolvitConfig, row: GhostRow, before: _Map) -> tuple[Analytic, _Map]:
    """A row of the plan, with what downsamples before it, and the map after it."""
    after = _Map(row.out, -(-before.side // row.stride))
    if row.stride == 1 or config.downsampling == "strided":
        return _bottleneck(row, before, after), after
    merged = replace(before, side=after.side)
    found = _token_merging(merged) + _bottleneck(replace(row, stride=1), merged, after)
    return found, after


def _bottleneck(row: GhostRow, before: _Map, after: _Map) -> Analytic:
    found = _ghost(before.channels, row.expand, before.pixels)
    found += _ghost(row.expand, row.out, after.pixels)
    if row.stride > 1:
        found += _depthwise(row.expand, after.pixels, row.kernel)
    if row.squeeze:
        squeezed = plan.squeezed_channels(row.expand)
        found += _dense(row.expand, squeezed) + _dense(squeezed, row.expand)
    if row.stride > 1 or before.channels != row.out:
        found += _depthwise(before.channels, after.pixels, row.kernel)
        found += _conv_norm(before.channels, row.out, after.pixels)
    return found


def _fusion_blocks(config: LolvitConfig, fused: int, at: _Map) -> Analytic:
    """All fusion blocks of a stage; `fused` counts such stages from 0."""
    found = Analytic()
    heads = plan.heads_for(at.channels, config.heads[fused])
    before = sum(config.fusion_blocks[:fused])
    for block in range(before, before + config.fusion_blocks[fused]):
        found += _depthwise(at.channels, at.pixels, 3) + Analytic(params=2 * at.channels)
        found += _mixer(config.mixers[fused], at.channels, heads, block, at.side)
        found += _FUSIONS[config.fusion](at)
        row = GhostRow(3, FFN_EXPANSION * at.channels, at.channels, squeeze=False)
        found += _bottleneck(row, at, at)
    return found


def _ghost(inputs: int, outputs: int, pixels: int) -> Analytic:
    half = -(-outputs // 2)
    return _conv_norm(inputs, half, pixels) + _depthwise(half, pixels, 3)


def _depthwise(channels: int, pixels: int, kernel: int) -> Analytic:
    return _conv_norm(1, channels, pixels, kernel)


def _conv_norm(inputs: int, outputs: int, pixels: int, kernel: int = 1) -> Analytic:
    """A convolution without bias and its norm; `inputs` are those that one output sees."""
    weights = kernel**2 * inputs * outputs
    return Analytic(weights * pixels, weights + 2 * outputs)


def _dense(inputs: int, outputs: int) -> Analytic:
    return Analytic(inputs * outputs, (inputs + 1) * outputs)


def _token_merging(after: _Map) -> Analytic:
    taps = plan.MERGED_TAPS
    offset = taps * after.channels * 2 * taps
    merge = _conv_norm(taps * after.channels, after.channels, after.pixels)
    return Analytic(offset * after.pixels, offset + 2 * taps) + merge


_FUSIONS = {
    "ghost": lambda at: _ghost(2 * at.channels, at.channels, at.pixels),
    "concat": lambda at: _conv_norm(2 * at.channels, at.channels, at.pixels),
    "add": lambda at: Analytic(),
    "gate": lambda at: Analytic(),
    "serial": lambda at: Analytic(),
}


@lru_cache(maxsize=100_000)
def _mixer(mixer: MixerConfig, channels: int, heads: int, block: int, side: int) -> Analytic:
    built = _built(mixer, channels, heads, block)
    return Analytic(built.macs(side, side), sum(p.numel() for p in built.parameters()))


@lru_cache(maxsize=1_000)
def _built(mixer: MixerConfig, channels: int, heads: int, block: int) -> Mixer:
    """The mixer without memory for its weights; torch is imported only where a mixer is used."""
    import torch

    from lolvit.fusion import mixer_of

    with torch.device("meta"):
        return mixer_of(mixer, channels, heads, block)
