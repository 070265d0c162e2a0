"""Softmax attention inside equal rectangles of a map: windows, shifted windows, rows, columns."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def attend_in_windows(
    qkv: Tensor,
    heads: int,
    sides: tuple[int, int],
    *,
    bias: Tensor | None = None,
    shifts: tuple[int, int] = (0, 0),
) -> Tensor:
    """(B, 3C, H, W) -> (B, C, H, W), each pixel attending to the pixels of its window.

    Args:
        qkv: queries, keys and values, best of a convolution of `channels_last(x)`.
        heads: heads h.
        sides: rows and columns of a window. Where they do not divide those of the map, zeros are
            added at the bottom and right and masked.
        bias: (h, tokens, tokens), added to the scores of every window.
        shifts: rows and columns by which the map is rolled up and left under the windows. Pixels
            that only the roll brings together do not meet.
    """
    b, (h, w), (high, wide) = qkv.shape[0], qkv.shape[-2:], sides
    rows, columns = windows_along(h, high), windows_along(w, wide)
    bottom, right = rows * high - h, columns * wide - w
    tokens = qkv.permute(0, 2, 3, 1)
    if bottom or right:
        tokens = F.pad(tokens, (0, 0, 0, right, 0, bottom))
    if any(shifts):
        tokens = tokens.roll((-shifts[0], -shifts[1]), (1, 2))
    tiles = tokens.reshape(b, rows, high, columns, wide, 3, heads, -1)
    # (3, B, windows, heads, tokens, d)
    tiles = tiles.permute(5, 0, 1, 3, 6, 2, 4, 7).flatten(5, 6).flatten(2, 3)
    # The fused kernel takes four dimensions, also of the bias; a mask, which every image shares
    # but not every window, can broadcast only where the windows join the heads.
    masked = bottom > 0 or right > 0 or any(shifts)
    q, k, v = tiles.flatten(2, 3) if masked else tiles.flatten(1, 2)
    if masked:
        mask = _mask(h, w, sides, shifts, q)
        bias = (mask.repeat(1, heads, 1, 1) if bias is None else mask + bias).flatten(0, 1)
    if bias is not None:
        bias = bias[None].to(q.dtype)
    mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=bias)
    mixed = mixed.reshape(b, rows, columns, heads, high, wide, -1).permute(0, 1, 4, 2, 5, 3, 6)
    mixed = mixed.reshape(b, rows * high, columns * wide, -1)
    if any(shifts):
        mixed = mixed.roll(shifts, (1, 2))
    return mixed[:, :h, :w].permute(0, 3, 1, 2).contiguous()


def channels_last(x: Tensor) -> Tensor:
    """The same map with a pixel's channels side by side: windows are then cut from whole vectors.

    To reorder x is a third of the work of reordering queries, keys and values.
    """
    return x.contiguous(memory_format=torch.channels_last)


def windowed_macs(dim: int, height: int, width: int, sides: tuple[int, int]) -> int:
    """Multiply-accumulates of scores and weighted sums in `attend_in_windows`, padding included."""
    windows = windows_along(height, sides[0]) * windows_along(width, sides[1])
    return 2 * windows * (sides[0] * sides[1]) ** 2 * dim


def windows_along(side: int, length: int) -> int:
    """Windows of a length that cover a side."""
    # Not -(-a // b): while torch traces an export, // of a negative side rounds towards zero.
    return (side + length - 1) // length


def _mask(
    height: int, width: int, sides: tuple[int, int], shifts: tuple[int, int], like: Tensor
) -> Tensor:
    """-inf between tokens of a window that were no neighbours: (windows, 1, tokens, tokens).

    Before the roll a map falls into cells, cut off at its borders; padding is a cell of its own,
    so that its pixels, too, have something to attend to.
    """
    (high, wide), (down, right) = sides, shifts
    rows, columns = windows_along(height, high), windows_along(width, wide)
    y = (torch.arange(height, device=like.device) + high - down) // high
    x = (torch.arange(width, device=like.device) + wide - right) // wide
    cells = y[:, None] * (columns + 1) + x
    cells = F.pad(cells, (0, columns * wide - width, 0, rows * high - height), value=-1)
    cells = cells.roll((-down, -right), (0, 1)).reshape(rows, high, columns, wide)
    cells = cells.transpose(1, 2).reshape(-1, 1, high * wide)
    apart = cells[..., None] != cells[..., None, :]
    return like.new_zeros(apart.shape).masked_fill(apart, float("-inf"))
