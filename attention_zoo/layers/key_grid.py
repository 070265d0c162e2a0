"""Key positions of deformable attention: three reference grids plus learned offsets."""

from __future__ import annotations

import torch
from torch import Tensor

REFERENCES = ("centered", "dat", "dat++")


def key_grid(reference: str, offset: Tensor, stride: int, height: int, width: int) -> Tensor:
    """Positions (x, y), from -1 to 1 over the middles of the first and last pixel of a side.

    A side of one pixel has one position, 0.

    Args:
        reference: one of REFERENCES.
        offset: (B, M_H, M_W, 2), (y, x); in pixels for "centered", else on the scale of -1 to 1.
        stride: pixels per key along a side.
        height: rows of the map.
        width: columns of the map.
    """
    sides, keys = (height, width), offset.shape[1:3]
    if reference == "centered":
        pixels = _grid([_cell_middles(side, stride, offset) for side in sides]) + offset
        moved = [pixels[..., axis].clamp(0, side - 1) for axis, side in enumerate(sides)]
        lines = [_on_unit_scale(line, side) for line, side in zip(moved, sides, strict=True)]
        return torch.stack(lines, -1).flip(-1)
    if reference == "dat":
        reach = offset.new_tensor([2 / count for count in keys])
        positions = _grid([_published(count, count, offset) for count in keys])
        positions = positions + reach * offset.tanh()
    else:
        lines = [_published(count, max(count - 1, 1), offset) for count in keys]
        positions = (_grid(lines) + offset).clamp(-1, 1)
    return (positions * offset.new_tensor([side > 1 for side in sides])).flip(-1)


def _on_unit_scale(pixels: Tensor, side: int) -> Tensor:
    """Pixel coordinates to -1 .. 1; 0 on a side of one pixel."""
    return pixels * (2 / (side - 1)) - 1 if side > 1 else pixels * 0


def _cell_middles(side: int, stride: int, like: Tensor) -> Tensor:
    """Middles of the on-map pixels of each cell, in pixels: with stride 1, every pixel."""
    first = torch.arange(0, side, stride, device=like.device)
    return (first + (first + stride - 1).clamp(max=side - 1)).to(like) / 2


def _published(count: int, divisor: int, like: Tensor) -> Tensor:
    return (torch.arange(count, device=like.device).to(like) + 0.5) * (2 / divisor) - 1


def _grid(lines: list[Tensor]) -> Tensor:
    return torch.stack(torch.meshgrid(lines[0], lines[1], indexing="ij"), -1)
