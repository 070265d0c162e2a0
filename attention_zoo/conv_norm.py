"""A convolution and the BatchNorm that folds into it for deployment."""

from __future__ import annotations

import copy
from typing import TypeVar, cast

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

Module = TypeVar("Module", bound=nn.Module)


class Convolution(nn.Conv2d):
    """A Conv2d that knows its cost, so that what is left of a ConvNorm after folding does too."""

    def macs(self, height: int, width: int) -> int:
        """Multiply-accumulates for one height x width *output* map."""
        return self.weight.numel() * height * width


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
        conv = Convolution(
            in_channels, out_channels, kernel, stride, kernel // 2, groups=groups, bias=False
        )
        super().__init__(conv, nn.BatchNorm2d(out_channels))

    def macs(self, height: int, width: int) -> int:
        """Multiply-accumulates for one height x width *output* map; the norm counts as none."""
        return cast(Convolution, self[0]).macs(height, width)


def fold(module: Module) -> Module:
    """A copy in eval mode in which each ConvNorm is the one convolution it equals."""
    folded = copy.deepcopy(module).eval()
    for parent in list(folded.modules()):
        for name, child in parent.named_children():
            if isinstance(child, ConvNorm):
                conv, norm = child
                assert isinstance(conv, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d)
                setattr(parent, name, fuse_conv_bn_eval(conv, norm))
    return folded
