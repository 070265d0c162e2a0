"""Weighted means of increasingly long segments beside a pixel, along one axis of the map."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

# (distance of the near end, length): nearby pixels one by one, further ones in longer segments.
_SEGMENTS = ((1, 1), (2, 1), (3, 1), (4, 2), (6, 2), (8, 4))
# (distance, first offset, length): the pixel itself, then each segment after and before it.
TAPS = (
    (0, 0, 1),
    *((d, s, length) for d, length in _SEGMENTS for s in (d, 1 - d - length)),
)
REACH = 11


class FocalAxis(nn.Module):
    """y(p) = sum_k w_k(p) mean(u over segment k of p), w = tanh(PW(DW_1xP(u))), one w a group.

    A segment's mean takes pixels outside the map for zeros, as in the authors' kernel. Segments
    that no pixel of a map has are left out, so that K falls from 13 to 1 as the side shrinks to 1.

    Args:
        channels: channels of u: (B, C, H, W) -> (B, C, H, W).
        groups: channels / groups of them share their weights.
        kernel: P, odd.
        axis: -1 along the rows, -2 along the columns.
    """

    def __init__(self, channels: int, groups: int, kernel: int, axis: int) -> None:
        super().__init__()
        self.groups, self.kernel, self.axis = groups, kernel, axis
        sides = (1, kernel) if axis == -1 else (kernel, 1)
        padding = (sides[0] // 2, sides[1] // 2)
        self.local = nn.Conv2d(channels, channels, sides, padding=padding, groups=channels)
        self.weigh = nn.Conv2d(channels, len(TAPS) * groups, 1)

    def forward(self, u: Tensor) -> Tensor:
        b, c, h, w = u.shape
        side = u.shape[self.axis]
        taps = _taps(side)
        rows = len(taps) * self.groups
        weights = F.conv2d(self.local(u), self.weigh.weight[:rows], self.weigh.bias[:rows]).tanh()  # type: ignore[index]
        wide = torch.promote_types(u.dtype, torch.float32)
        shares = torch.tensor([1 / length for *_, length in taps], dtype=wide, device=u.device)
        weights = weights.to(wide).reshape(b, len(taps), self.groups, 1, h, w)
        weights = weights * shares.reshape(-1, 1, 1, 1, 1)

        margin = (REACH + 1, REACH)
        padded = F.pad(u.to(wide), margin if self.axis == -1 else (0, 0, *margin))
        # A segment's sum is the difference of two prefix sums, read as views without a gather.
        prefix = padded.cumsum(self.axis)
        prefix = prefix.reshape(b, self.groups, c // self.groups, *prefix.shape[2:])
        y = torch.zeros_like(prefix.narrow(self.axis, 0, side))
        for k, (_, first, length) in enumerate(taps):
            before = prefix.narrow(self.axis, REACH + first, side)
            through = prefix.narrow(self.axis, REACH + first + length, side)
            y = torch.addcmul(y, weights[:, k], through - before)
        return y.reshape(b, c, h, w).to(u.dtype)

    def macs(self, height: int, width: int) -> int:
        """The two convolutions, and one multiply-accumulate per tap, channel and pixel."""
        taps = len(_taps(width if self.axis == -1 else height))
        c = self.local.in_channels
        # A single weight scales all channels: that is no multiply-accumulate.
        summed = taps if self.groups * height * width > 1 else 0
        return height * width * c * (self.kernel + taps * self.groups + summed)


def _taps(side: int) -> list[tuple[int, int, int]]:
    """The taps that some pixel of a line of this length has."""
    return [tap for tap in TAPS if tap[0] < side]
