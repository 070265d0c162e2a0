"""A convolution and the BatchNorm that folds into it for deployment."""

from __future__ import annotations

import copy
from typing import TypeVar, cast

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

    def macs(self, height: int, width: int) -> int:
        """Multiply-accumulates for one height x width *output* map; the norm counts as none."""
        return cast(nn.Conv2d, self[0]).weight.numel() * height * width


def fold(module: Module) -> Module:
    """A copy in eval mode with the norm of each ConvNorm folded into its convolution."""
    folded = copy.deepcopy(module).eval()
    for part in folded.modules():
        if isinstance(part, ConvNorm) and isinstance(part[1], nn.BatchNorm2d):
            part[0] = fuse_conv_bn_eval(cast(nn.Conv2d, part[0]), part[1])
            part[1] = nn.Identity()
    return folded
