"""Ghost modules and bottlenecks (Han et al. 2020, arXiv 1911.11907)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attention_zoo.layers.conv_norm import ConvNorm
from lolvit.plan import GhostRow, squeezed_channels


class GhostModule(nn.Module):
    """Half the channels by a 1x1 convolution, the other half from those by a depthwise 3x3.

    (B, in_channels, H, W) -> (B, out_channels, H, W); an odd number of outputs drops one ghost.
    """

    def __init__(self, in_channels: int, out_channels: int, *, relu: bool) -> None:
        super().__init__()
        self.out_channels = out_channels
        half = -(-out_channels // 2)
        self.primary = ConvNorm(in_channels, half)
        self.ghost = ConvNorm(half, half, 3, groups=half)
        self.relu = relu

    def forward(self, x: Tensor) -> Tensor:
        primary = self._activate(self.primary(x))
        ghost = self._activate(self.ghost(primary))
        return torch.cat((primary, ghost), 1)[:, : self.out_channels]

    def _activate(self, x: Tensor) -> Tensor:
        return F.relu(x) if self.relu else x

    def macs(self, height: int, width: int) -> int:
        return self.primary.macs(height, width) + self.ghost.macs(height, width)


class SqueezeExcite(nn.Module):
    """Channel gate of a quarter of the channels, with a hard sigmoid."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        squeezed = squeezed_channels(channels)
        self.reduce = nn.Conv2d(channels, squeezed, 1)
        self.expand = nn.Conv2d(squeezed, channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        gate = self.expand(F.relu(self.reduce(x.mean((2, 3), keepdim=True))))
        return x * F.hardsigmoid(gate)

    def macs(self) -> int:
        """One 1 x 1 map goes through, whatever the input's size."""
        return self.reduce.weight.numel() + self.expand.weight.numel()


class GhostBottleneck(nn.Module):
    """Ghost expand, [depthwise stride], [squeeze-excite], Ghost project, plus shortcut."""

    def __init__(self, in_channels: int, row: GhostRow) -> None:
        super().__init__()
        self.stride = row.stride
        self.expand = GhostModule(in_channels, row.expand, relu=True)
        self.down = (
            ConvNorm(row.expand, row.expand, row.kernel, row.stride, groups=row.expand)
            if row.stride > 1
            else None
        )
        self.squeeze = SqueezeExcite(row.expand) if row.squeeze else None
        self.project = GhostModule(row.expand, row.out, relu=False)
        self.shortcut_spatial: ConvNorm | None = None
        self.shortcut_point: ConvNorm | None = None
        if row.stride > 1 or in_channels != row.out:
            self.shortcut_spatial = ConvNorm(
                in_channels, in_channels, row.kernel, row.stride, groups=in_channels
            )
            self.shortcut_point = ConvNorm(in_channels, row.out)

    def forward(self, x: Tensor) -> Tensor:
        y = self.expand(x)
        if self.down is not None:
            y = self.down(y)
        if self.squeeze is not None:
            y = self.squeeze(y)
        y = self.project(y)
        if self.shortcut_spatial is not None and self.shortcut_point is not None:
            x = self.shortcut_point(self.shortcut_spatial(x))
        return x + y

    def out_side(self, side: int) -> int:
        """Length of an output side."""
        return -(-side // self.stride)

    def macs(self, height: int, width: int) -> int:
        """For one height x width *input* map."""
        out = self.out_side(height), self.out_side(width)
        convolutions = (self.down, self.shortcut_spatial, self.shortcut_point)
        total = self.expand.macs(height, width) + self.project.macs(*out)
        total += sum(conv.macs(*out) for conv in convolutions if conv is not None)
        return total + (self.squeeze.macs() if self.squeeze is not None else 0)
