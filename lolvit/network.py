"""From an architecture to a network: the only way to make one."""

from __future__ import annotations

from typing import Protocol

import torch
from torch import Tensor, nn

from lolvit.classifier import LolvitClassifier
from lolvit.config import Architecture, LolvitConfig, MobileVitConfig
from lolvit.mobilevit import MobileViT
from lolvit.token_merging import DeformableTokenMerging


class Network(Protocol):
    """What a built network offers beside nn.Module."""

    def __call__(self, x: Tensor) -> Tensor: ...

    def macs(self, height: int, width: int) -> int: ...


def build(config: Architecture, *, seed: int | None = None) -> nn.Module:
    """The network of a config, with weights drawn from `seed` (or the global generator).

    Raises:
        MixerError: a mixer option whose value is not allowed.
        TypeError: not an architecture of this house.
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
