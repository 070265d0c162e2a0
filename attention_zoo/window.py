"""Attention inside windows, with a learned bias per relative position."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attention_zoo.contract import Mixer, check_positive
from attention_zoo.registry import register


@register(
    "window", paper="arXiv 2103.14030", complexity="4NC^2 + 2N'w^2C, N' = N padded to windows"
)
class WindowAttention(Mixer):
    """Softmax attention within non-overlapping w x w windows (Swin, section 3.2).

    A window never exceeds the map. Sides that w does not divide are padded with zeros at the right
    and bottom and the padded keys masked. Scores get a bias from a (h, 2w-1, 2w-1) table.
    """

    def __init__(self, dim: int, num_heads: int = 1, *, window: int = 7) -> None:
        super().__init__(dim, num_heads)
        check_positive("window", window)
        self.window = window
        self.query_key_value = nn.Conv2d(dim, 3 * dim, 1)
        self.project = nn.Conv2d(dim, dim, 1)
        self.bias_table = nn.Parameter(torch.zeros(num_heads, 2 * window - 1, 2 * window - 1))
        nn.init.trunc_normal_(self.bias_table, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        (rows, high), (columns, wide) = self._grid(h), self._grid(w)
        qkv = F.pad(self.query_key_value(x), (0, columns * wide - w, 0, rows * high - h))
        qkv = qkv.reshape(b, 3, self.num_heads, self.head_dim, rows, high, columns, wide)
        # (3, B * windows, heads, tokens, d)
        q, k, v = qkv.permute(1, 0, 4, 6, 2, 5, 7, 3).flatten(4 + 1, 6).flatten(1, 3)
        bias = self._bias(high, wide)
        if (rows * high, columns * wide) != (h, w):
            bias = bias + _mask(x, rows, high, columns, wide).repeat(b, 1, 1, 1)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=bias.to(q.dtype))
        mixed = mixed.reshape(b, rows, columns, self.num_heads, high, wide, self.head_dim)
        mixed = mixed.permute(0, 3, 6, 1, 4, 2, 5).reshape(b, c, rows * high, columns * wide)
        return self.project(mixed[..., :h, :w])

    def _grid(self, side: int) -> tuple[int, int]:
        """Windows along a side, and their length."""
        length = min(self.window, side)
        # Not -(-a // b): while torch traces an export, // of a negative side rounds towards zero.
        return (side + length - 1) // length, length

    def _bias(self, high: int, wide: int) -> Tensor:
        """The bias of every query-key pair of a high x wide window: (1, heads, tokens, tokens)."""
        y = torch.arange(high, device=self.bias_table.device).repeat_interleave(wide)
        x = torch.arange(wide, device=self.bias_table.device).repeat(high)
        centre = self.window - 1
        return self.bias_table[:, y[:, None] - y + centre, x[:, None] - x + centre][None]

    def macs(self, height: int, width: int) -> int:
        (rows, high), (columns, wide) = self._grid(height), self._grid(width)
        windows, tokens = rows * columns, high * wide
        return 4 * height * width * self.dim**2 + 2 * windows * tokens**2 * self.dim


def _mask(x: Tensor, rows: int, high: int, columns: int, wide: int) -> Tensor:
    """-inf at the padded keys of each window: (windows, 1, 1, tokens)."""
    h, w = x.shape[-2:]
    padded = x.new_full((rows * high, columns * wide), float("-inf"))
    padded[:h, :w] = 0
    tiles = padded.reshape(rows, high, columns, wide).transpose(1, 2)
    return tiles.reshape(rows * columns, 1, 1, high * wide)
