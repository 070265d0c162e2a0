"""Deformable token merging: downsampling from learned positions (LIT, arXiv 2105.14217)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attention_zoo.layers.conv_norm import ConvNorm
from lolvit.plan import MERGED_TAPS

_STEP = 2
_TAPS = MERGED_TAPS


class DeformableTokenMerging(nn.Module):
    """y(p) = sum_t W_t x(2p + t + o_t(p)) over the taps t of a 2x2 cell, then BN and GELU (eq. 7).

    (B, C, H, W) -> (B, C, ceil(H/2), ceil(W/2)). The offsets o_t come from a 2x2 convolution of
    stride 2 that starts at zero, so that the network starts with a plain one. x is read bilinearly,
    and as 0 beyond its edge.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.offset = nn.Conv2d(channels, 2 * _TAPS, _STEP, _STEP)
        self.merge = ConvNorm(_TAPS * channels, channels)
        self.reset_offset()

    def reset_offset(self) -> None:
        """Set every offset to zero, so that each tap reads its own pixel."""
        nn.init.zeros_(self.offset.weight)
        nn.init.zeros_(self.offset.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        rows, columns = self.out_side(h), self.out_side(w)
        padded = F.pad(x, (0, columns * _STEP - w, 0, rows * _STEP - h))
        taps = self._read(x, self._positions(self.offset(padded), h, w))
        taps = taps.reshape(b, c, rows, columns, _TAPS).permute(0, 4, 1, 2, 3)
        return F.gelu(self.merge(taps.reshape(b, _TAPS * c, rows, columns)))

    def _positions(self, offset: Tensor, height: int, width: int) -> Tensor:
        """Where each tap reads, (x, y) on grid_sample's scale: (B, rows, columns * taps, 2)."""
        b, _, rows, columns = offset.shape
        # Positions of large maps need more digits than half precision has.
        offset = offset.to(torch.promote_types(offset.dtype, torch.float32))
        moves = offset.reshape(b, _TAPS, 2, rows, columns).permute(0, 3, 4, 1, 2)
        tap = torch.arange(_TAPS, device=offset.device)
        y = _STEP * torch.arange(rows, device=offset.device)[:, None, None] + tap // _STEP
        x = _STEP * torch.arange(columns, device=offset.device)[:, None] + tap % _STEP
        y, x = y + moves[..., 0], x + moves[..., 1]
        positions = torch.stack(((2 * x + 1) / width - 1, (2 * y + 1) / height - 1), -1)
        return positions.flatten(2, 3)

    def _read(self, x: Tensor, positions: Tensor) -> Tensor:
        wide = x.to(positions.dtype)
        return F.grid_sample(wide, positions, mode="bilinear", align_corners=False).to(x.dtype)

    def out_side(self, side: int) -> int:
        """Length of an output side."""
        return (side + _STEP - 1) // _STEP

    def macs(self, height: int, width: int) -> int:
        """For one height x width *input* map; interpolation counts as none."""
        rows, columns = self.out_side(height), self.out_side(width)
        return rows * columns * self.offset.weight.numel() + self.merge.macs(rows, columns)
