"""Learned tables of positions, of a base size, resized to that of the map."""

import torch
import torch.nn.functional as F
from torch import Tensor

BASE_SIDE = 14
"""Side of the map that tables of whole maps are made for: that of stride 16 at 224 pixels."""


def resized(table: Tensor, height: int, width: int) -> Tensor:
    """(K, A, B) -> (K, height, width), bilinearly and symmetrically about the centre."""
    if table.shape[-2:] == (height, width):
        return table
    # Corners are not aligned: a table of one entry has to be the centre, not a corner.
    return F.interpolate(table[None], (height, width), mode="bilinear", align_corners=False)[0]


def pair_bias(table: Tensor, height: int, width: int) -> Tensor:
    """The entry of every query-key pair of a height x width map: (heads, tokens, tokens).

    Args:
        table: (heads, 2A-1, 2B-1), by the position of the query relative to the key; offset zero
            is the centre, so height <= A and width <= B.
        height: rows of the map.
        width: columns of the map.
    """
    y = torch.arange(height, device=table.device).repeat_interleave(width)
    x = torch.arange(width, device=table.device).repeat(height)
    centre_y, centre_x = (side // 2 for side in table.shape[-2:])
    return table[:, y[:, None] - y + centre_y, x[:, None] - x + centre_x]
