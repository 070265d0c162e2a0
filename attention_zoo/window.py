"""Attention inside windows, with a learned bias per relative position."""

import torch
from torch import Tensor, nn

from attention_zoo.layers.position import pair_bias
from attention_zoo.layers.windowed import attend_in_windows, channels_last, windowed_macs
from attention_zoo.registry import register
from attention_zoo.registry.mixer import Mixer, check_positive


@register(
    "window",
    about="softmax within windows",
    paper="arXiv 2103.14030",
    complexity="4NC^2 + 2N'w^2C, N' = N padded to windows",
    differs="",
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
        h, w = x.shape[-2:]
        sides = self._sides(h, w)
        mixed = attend_in_windows(
            self.query_key_value(channels_last(x)),
            self.num_heads,
            sides,
            bias=pair_bias(self.bias_table, *sides),
            shifts=(self._shift(h), self._shift(w)),
        )
        return self.project(mixed)

    def _sides(self, height: int, width: int) -> tuple[int, int]:
        """Sides of one window."""
        return min(self.window, height), min(self.window, width)

    def _shift(self, side: int) -> int:
        """Pixels by which the map is rolled under the windows along a side."""
        return 0

    def macs(self, height: int, width: int) -> int:
        projections = 4 * height * width * self.dim**2
        return projections + windowed_macs(self.dim, height, width, self._sides(height, width))
