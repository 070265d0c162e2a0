"""Build the network of an architecture, and LOLViT's classifier."""

from __future__ import annotations

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attention_zoo.layers.conv_norm import ConvNorm
from lolvit import plan
from lolvit.backbone import Backbone
from lolvit.config import Architecture, LolvitConfig, MobileVitConfig
from lolvit.mobilevit import MobileViT
from lolvit.token_merging import DeformableTokenMerging


class Network(Protocol):
    """A built network: an nn.Module that counts its own MACs."""

    def __call__(self, x: Tensor) -> Tensor: ...

    def macs(self, height: int, width: int) -> int: ...


class LolvitClassifier(nn.Module):
    """Backbone and GhostNet's head (1x1, pool, 1x1, linear): (B, C, R, R) -> (B, classes).

    Reconstructed from the abstract of arXiv 2508.01385; without fusion blocks it is GhostNet.
    """

    def __init__(self, config: LolvitConfig) -> None:
        super().__init__()
        self.backbone = Backbone(config)
        trunk = plan.trunk_channels(config)
        self.trunk = ConvNorm(self.backbone.channels[-1], trunk)
        self.feature = nn.Conv2d(trunk, config.feature_channels, 1)
        self.dropout = nn.Dropout(config.dropout)
        self.classifier = nn.Linear(config.feature_channels, config.num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.trunk(self.backbone(x)[-1]))
        x = F.relu(self.feature(x.mean((2, 3), keepdim=True))).flatten(1)
        return self.classifier(self.dropout(x))

    def macs(self, height: int, width: int) -> int:
        """Multiply-accumulates for one height x width image."""
        dense = self.feature.weight.numel() + self.classifier.weight.numel()
        trunk = self.trunk.macs(*self.backbone.out_sides(height, width))
        return self.backbone.macs(height, width) + trunk + dense


def build(config: Architecture, *, seed: int | None = None) -> nn.Module:
    """The network of a config, with weights drawn from `seed` (or the global generator).

    Raises:
        MixerError: a mixer option whose value is not allowed.
        TypeError: the config is of no known family.
    """
    with torch.random.fork_rng(devices=[], enabled=seed is not None):
        if seed is not None:
            torch.manual_seed(seed)
        if isinstance(config, LolvitConfig):
            network: nn.Module = LolvitClassifier(config)
        elif isinstance(config, MobileVitConfig):
            network = MobileViT(config)
        else:
            raise TypeError(f"not an architecture: {config!r}")
        network.apply(_initialise)
        for module in network.modules():
            if isinstance(module, DeformableTokenMerging):
                module.reset_offset()
    return network


def _initialise(module: nn.Module) -> None:
    """He initialisation for convolutions, small normal weights for dense layers, zero biases."""
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
    elif isinstance(module, nn.Linear):
        nn.init.trunc_normal_(module.weight, std=0.02)
    else:
        return
    if module.bias is not None:
        nn.init.zeros_(module.bias)
