"""High frequencies inside small windows, low frequencies from averages of the same windows."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attention_zoo.layers.windowed import (
    attend_in_windows,
    channels_last,
    windowed_macs,
    windows_along,
)
from attention_zoo.registry import register
from attention_zoo.registry.mixer import Mixer, check_positive, check_share


@register(
    "hilo",
    about="window heads and pooled-key heads",
    paper="arXiv 2205.13213",
    complexity="hi: 3NCD + ND^2 + 2Ns^2D; lo: NCE + 2MCE + NE^2 + 2NME; D + E = C, M = N/s^2",
    differs="",
)
class HiLoAttention(Mixer):
    """Hi-Fi heads attend inside s x s windows, Lo-Fi heads to windows' means (LITv2, section 3.2).

    Each kind has its own projections; their outputs are concatenated, Hi-Fi first. Padded pixels
    of windows are masked, and means are those of real pixels.

    Args:
        dim: channels C.
        num_heads: heads h.
        alpha: share of Lo-Fi heads, rounded down; above 0 at least one of several heads. With 0
            every head attends inside windows, with 1 none does.
        window: s. As in the authors' code, 1 makes every head Lo-Fi: plain softmax attention.
    """

    def __init__(
        self, dim: int, num_heads: int = 1, *, alpha: float = 0.5, window: int = 2
    ) -> None:
        super().__init__(dim, num_heads)
        check_share("alpha", alpha)
        check_positive("window", window)
        self.window = window
        self.low_heads = num_heads if window == 1 else int(num_heads * alpha)
        if alpha > 0 and num_heads > 1:
            self.low_heads = max(1, self.low_heads)
        self.high_heads = num_heads - self.low_heads
        self.low_dim = self.low_heads * self.head_dim
        self.high_dim = dim - self.low_dim
        if self.high_heads:
            self.high_query_key_value = nn.Conv2d(dim, 3 * self.high_dim, 1)
            self.high_project = nn.Conv2d(self.high_dim, self.high_dim, 1)
        if self.low_heads:
            self.low_query = nn.Conv2d(dim, self.low_dim, 1)
            self.low_key_value = nn.Conv2d(dim, 2 * self.low_dim, 1)
            self.low_project = nn.Conv2d(self.low_dim, self.low_dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        parts = [self._high(x)] if self.high_heads else []
        if self.low_heads:
            parts.append(self._low(x))
        return torch.cat(parts, 1)

    def _high(self, x: Tensor) -> Tensor:
        sides = self._sides(*x.shape[-2:])
        qkv = self.high_query_key_value(channels_last(x))
        return self.high_project(attend_in_windows(qkv, self.high_heads, sides))

    def _low(self, x: Tensor) -> Tensor:
        b, _, h, w = x.shape
        q = self._heads(self.low_query(x))
        # Without padding, count_include_pad=False divides border windows by their valid pixels.
        means = F.avg_pool2d(x, self._sides(h, w), ceil_mode=True, count_include_pad=False)
        k, v = (self._heads(part) for part in self.low_key_value(means).chunk(2, 1))
        mixed = F.scaled_dot_product_attention(q, k, v)
        return self.low_project(mixed.transpose(-2, -1).reshape(b, self.low_dim, h, w))

    def _heads(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, h, N, d), channels of a token abreast for the fused kernel."""
        tokens = x.flatten(2).transpose(1, 2).contiguous()
        return tokens.reshape(*tokens.shape[:2], self.low_heads, -1).transpose(1, 2)

    def _sides(self, height: int, width: int) -> tuple[int, int]:
        return min(self.window, height), min(self.window, width)

    def macs(self, height: int, width: int) -> int:
        n, c, high, low = height * width, self.dim, self.high_dim, self.low_dim
        sides = self._sides(height, width)
        m = windows_along(height, sides[0]) * windows_along(width, sides[1])
        windows = n * (3 * c * high + high**2) + windowed_macs(high, height, width, sides)
        return windows + n * (c * low + low**2) + 2 * m * c * low + 2 * n * m * low
