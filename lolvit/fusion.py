"""The global-local fusion block and its five ways to join the branches."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attention_zoo import build as build_mixer
from attention_zoo import entry
from attention_zoo.layers.conv_norm import ConvNorm
from attention_zoo.registry.mixer import Memory, Mixer
from lolvit.ghost import GhostBottleneck, GhostModule
from lolvit.mixer_config import MixerConfig
from lolvit.plan import FFN_EXPANSION, GhostRow


class GlobalLocalFusion(nn.Module):
    """A depthwise local branch, a mixer on top of it as global branch, their fusion, a Ghost FFN.

    L = ReLU(BN(DWConv3x3(X))), G = mixer(BN(L)), Y = X + fuse(L, G), Z = GhostFFN(Y).
    Reconstructed from the abstract of arXiv 2508.01385; the paper's equations are not public.

    Args:
        channels: C of the (B, C, H, W) map, in and out.
        heads: heads of the mixer.
        mixer: the global branch.
        fusion: "ghost" (Ghost module on both), "concat" (1x1 convolution on both), "add" (L + G),
            "gate" (L sigmoid(G) + G) or "serial" (G alone, which has seen L).
        block: index among the fusion blocks of the network, for mixers that alternate.
    """

    def __init__(
        self, channels: int, heads: int, mixer: MixerConfig, fusion: str, block: int = 0
    ) -> None:
        super().__init__()
        self.local = ConvNorm(channels, channels, 3, groups=channels)
        self.norm = nn.BatchNorm2d(channels)
        self.mixer = build_block_mixer(mixer, channels, heads, block)
        self.fuse = _FUSIONS[fusion](channels)
        row = GhostRow(3, FFN_EXPANSION * channels, channels, squeeze=False)
        self.ffn = GhostBottleneck(channels, row)

    def forward(self, x: Tensor, memory: Memory | None = None) -> Tensor:
        """Z of X; `memory` is the stage's, for mixers that read earlier layers."""
        local = F.relu(self.local(x))
        extra = (memory,) if self.mixer.takes_memory else ()
        mixed = self.mixer(self.norm(local), *extra)
        return self.ffn(x + self.fuse(local, mixed))

    def macs(self, height: int, width: int) -> int:
        parts = (self.local, self.mixer, self.fuse, self.ffn)
        return sum(part.macs(height, width) for part in parts)


def build_block_mixer(mixer: MixerConfig, channels: int, heads: int, block: int) -> Mixer:
    """Build the mixer of the block-th fusion block, counted from 0.

    Raises:
        MixerError: an option whose value is not allowed.
    """
    options = entry(mixer.name).load().options_of_block(dict(mixer.options), block)
    return build_mixer(mixer.name, dim=channels, num_heads=heads, **options)


class _Fusion(nn.Module):
    """(B, C, H, W) twice -> (B, C, H, W)."""

    def __init__(self, channels: int) -> None:
        super().__init__()

    def macs(self, height: int, width: int) -> int:
        return 0


class _Concat(_Fusion):
    def __init__(self, channels: int) -> None:
        super().__init__(channels)
        self.join = self._layer(channels)

    def _layer(self, channels: int) -> ConvNorm | GhostModule:
        return ConvNorm(2 * channels, channels)

    def forward(self, local: Tensor, mixed: Tensor) -> Tensor:
        return self.join(torch.cat((local, mixed), 1))

    def macs(self, height: int, width: int) -> int:
        return self.join.macs(height, width)


class _Ghost(_Concat):
    def _layer(self, channels: int) -> GhostModule:
        return GhostModule(2 * channels, channels, relu=False)


class _Add(_Fusion):
    def forward(self, local: Tensor, mixed: Tensor) -> Tensor:
        return local + mixed


class _Gate(_Fusion):
    def forward(self, local: Tensor, mixed: Tensor) -> Tensor:
        return local * mixed.sigmoid() + mixed


class _Serial(_Fusion):
    def forward(self, local: Tensor, mixed: Tensor) -> Tensor:
        return mixed


_FUSIONS: dict[str, type[_Fusion]] = {
    "ghost": _Ghost,
    "concat": _Concat,
    "add": _Add,
    "gate": _Gate,
    "serial": _Serial,
}
