"""FWA's keys from windows of pixels: the window rule and five aggregations."""

from __future__ import annotations

import math

import torch.nn.functional as F
from torch import Tensor, nn

from attention_zoo.layers.conv_norm import ConvNorm
from attention_zoo.registry import MixerError

KINDS = ("mean+dw", "mean", "max", "weighted", "strided")


class Windows:
    """The window rule: sides of the windows and number of keys for any map.

    Args:
        rule: "sqrt", a whole number (constant side), "fixed:K" (K x K keys) or "global".

    Raises:
        MixerError: any other rule.
    """

    def __init__(self, rule: int | str) -> None:
        self.rule = rule
        self.constant = rule if isinstance(rule, int) and not isinstance(rule, bool) else None
        self.fixed: int | None = None
        if isinstance(rule, str) and rule.startswith("fixed:") and rule[6:].isdecimal():
            self.fixed = int(rule[6:])
        size = self.constant if self.constant is not None else self.fixed
        allowed = rule in ("sqrt", "global") if size is None else size >= 1
        if not allowed:
            raise MixerError(
                f"window must be 'sqrt', 'global', 'fixed:K' or a whole number >= 1, got {rule!r}"
            )

    def sides(self, height: int, width: int) -> tuple[int, int]:
        """Sides of one window (not for "fixed", whose windows overlap and differ)."""
        if self.rule == "global":
            return 1, 1
        if self.constant is not None:
            return self.constant, self.constant
        return _ceil_sqrt(height), _ceil_sqrt(width)

    def keys(self, height: int, width: int) -> tuple[int, int]:
        """Keys along each side."""
        if self.fixed is not None:
            return min(self.fixed, height), min(self.fixed, width)
        high, wide = self.sides(height, width)
        # Not -(-a // b): while torch traces an export, // of a negative side rounds towards zero.
        return (height + high - 1) // high, (width + wide - 1) // wide


def _ceil_sqrt(side: int) -> int:
    return math.isqrt(side - 1) + 1


class Aggregation(nn.Module):
    """(B, C, H, W) -> (B, C, M_H, M_W): the mean or maximum of the valid pixels of each window."""

    def __init__(self, windows: Windows, *, maximum: bool = False) -> None:
        super().__init__()
        self.windows = windows
        self.maximum = maximum

    def forward(self, x: Tensor) -> Tensor:
        if self.windows.fixed is not None:
            keys = self.windows.keys(*x.shape[-2:])
            pool = F.adaptive_max_pool2d if self.maximum else F.adaptive_avg_pool2d
            return pool(x, keys)
        sides = self.windows.sides(*x.shape[-2:])
        if self.maximum:
            return F.max_pool2d(x, sides, ceil_mode=True)
        # Without padding, count_include_pad=False divides border windows by their valid pixels.
        return F.avg_pool2d(x, sides, ceil_mode=True, count_include_pad=False)

    def macs(self, height: int, width: int) -> int:
        """Pooling is no multiply-accumulate."""
        return 0


class MeanDepthwise(Aggregation):
    """P = P0 + BN(DWConv3x3(P0)), P0 the window means: keys with their neighbours' context."""

    def __init__(self, dim: int, windows: Windows) -> None:
        super().__init__(windows)
        self.local = ConvNorm(dim, dim, 3, groups=dim)

    def forward(self, x: Tensor) -> Tensor:
        means = super().forward(x)
        return means + self.local(means)

    def macs(self, height: int, width: int) -> int:
        return self.local.macs(*self.windows.keys(height, width))


class Weighted(Aggregation):
    """Mean of a window weighted by the softmax, inside the window, of a learned 1x1 score."""

    def __init__(self, dim: int, windows: Windows) -> None:
        super().__init__(windows)
        self.score = nn.Conv2d(dim, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        h, w = x.shape[-2:]
        (high, wide), (rows, columns) = self.windows.sides(h, w), self.windows.keys(h, w)
        padding = (0, columns * wide - w, 0, rows * high - h)
        scores = F.pad(self.score(x), padding, value=float("-inf"))
        shares = _tiles(scores, rows, high, columns, wide).softmax(-1)
        return (_tiles(F.pad(x, padding), rows, high, columns, wide) * shares).sum(-1)

    def macs(self, height: int, width: int) -> int:
        """The scores, and the weighted sums over the windows, padding included."""
        (high, wide), (rows, columns) = (
            self.windows.sides(height, width),
            self.windows.keys(height, width),
        )
        # In a window of one position there is nothing to sum.
        summed = rows * high * columns * wide if high * wide > 1 else 0
        return (height * width + summed) * self.score.in_channels


class Strided(Aggregation):
    """Depthwise convolution with kernel = stride = window; border windows see zeros outside."""

    def __init__(self, dim: int, windows: Windows) -> None:
        super().__init__(windows)
        side = windows.constant or 1
        self.conv = nn.Conv2d(dim, dim, side, side, groups=dim, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        h, w = x.shape[-2:]
        (high, wide), (rows, columns) = self.windows.sides(h, w), self.windows.keys(h, w)
        return self.conv(F.pad(x, (0, columns * wide - w, 0, rows * high - h)))

    def macs(self, height: int, width: int) -> int:
        rows, columns = self.windows.keys(height, width)
        return rows * columns * self.conv.weight.numel()


class Every(Aggregation):
    """Every position is a key: the control without aggregation."""

    def forward(self, x: Tensor) -> Tensor:
        return x


def aggregation(kind: str, dim: int, windows: Windows) -> Aggregation:
    """The aggregation called `kind`; raises MixerError where it cannot follow the window rule."""
    if windows.rule == "global":
        return Every(windows)
    if kind == "strided" and windows.constant is None:
        raise MixerError(f"aggregate 'strided' needs a constant window, got {windows.rule!r}")
    if kind == "weighted" and windows.fixed is not None:
        raise MixerError(f"aggregate 'weighted' cannot follow window {windows.rule!r}")
    if kind in ("mean", "max"):
        return Aggregation(windows, maximum=kind == "max")
    return {"mean+dw": MeanDepthwise, "weighted": Weighted, "strided": Strided}[kind](dim, windows)


def _tiles(x: Tensor, rows: int, high: int, columns: int, wide: int) -> Tensor:
    """(B, C, rows * high, columns * wide) -> (B, C, rows, columns, high * wide)."""
    tiled = x.reshape(*x.shape[:2], rows, high, columns, wide).transpose(-3, -2)
    return tiled.flatten(-2)
