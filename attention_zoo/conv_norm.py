"""A convolution and the BatchNorm that folds into it for deployment."""

from __future__ import annotations

import copy
from typing import TypeVar

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

Module = TypeVar("Module", bound=nn.Module)


class ConvNorm(nn.Sequential):
    """Conv2d without bias, "same" padding for odd kernels, then BatchNorm.

    Args:
        in_channels: channels of the input map.
        out_channels: channels of the output map.
        kernel: odd side of the kernel.
        stride: step of the kernel; the output side is ceil(side / stride).
        groups: groups of the convolution; `in_channels` makes it depthwise.
    """

    def __init__(
        self, in_channels: int, out_channels: int, kernel: int = 1, stride: int = 1, groups: int = 1
    ) -> None:
        conv = nn.Conv2d(
            in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False
        )
        super().__init__(conv, nn.BatchNorm2d(out_channels))
        self._macs_per_position = out_channels * (in_channels // groups) * kernel**2

    def macs(self, height: int, width: int) -> int:
        """Multiply-accumulates for one height x width *output* map; the norm counts as none."""
        return self._macs_per_position * height * width


def fold(module: Module) -> Module:
    """A copy in eval mode in which each ConvNorm is the one convolution it equals."""
    folded = copy.deepcopy(module).eval()
    for parent in list(folded.modules()):
        for name, child in parent.named_children():
            if isinstance(child, ConvNorm):
                setattr(parent, name, fuse_conv_bn_eval(child[0], child[1]))
    return folded
