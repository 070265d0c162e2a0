"""Attention to the few tokens before and after, in row-major order."""

import math
from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attention_zoo.registry import register
from attention_zoo.registry.mixer import Mixer, check_odd


@register(
    "local_latent",
    about="attention to neighbours in row order",
    paper="arXiv 2506.18791",
    complexity="N(4C^2 + 2Cd + 2wC), w tokens",
    reconstructed=True,
)
class LocalLatentAttention(Mixer):
    """Y_i = sum_j softmax(q_i k_j / sqrt d) v_j, |i - j| <= w // 2, k = W k', v = W v' per head.

    Reconstructed from the operator that the authors of arXiv 2506.18791 published with it. Tokens
    are pixels row by row; one d x d linear layer W is shared by keys, values and heads. Unlike
    theirs, tokens before the first and after the last are masked, not filled with far ones.

    Args:
        dim: channels C.
        num_heads: heads h.
        window: odd number w of tokens that a token sees, itself in the middle.
    """

    def __init__(self, dim: int, num_heads: int = 1, *, window: int = 7) -> None:
        super().__init__(dim, num_heads)
        check_odd("window", window)
        self.window = window
        self.query = nn.Conv2d(dim, dim, 1)
        self.key_value = nn.Conv2d(dim, 2 * dim, 1)
        self.shared = nn.Conv2d(self.head_dim, self.head_dim, 1)
        self.project = nn.Conv2d(dim, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        heads = self.key_value(x).reshape(-1, self.head_dim, h, w)
        k, v = self.shared(heads).reshape(b, 2, self.num_heads, self.head_dim, h * w).unbind(1)
        q = self.query(x).reshape(k.shape) / math.sqrt(self.head_dim)
        mixed = self._mixed(self._scores(q, k).softmax(2), v)
        return self.project(mixed.to(x.dtype).reshape(b, c, h, w))

    def _scores(self, q: Tensor, k: Tensor) -> Tensor:
        """(B, h, w, N), in float32: one distance after another, so that no k is copied w times."""
        q = q.to(torch.promote_types(q.dtype, torch.float32))
        # The sum over a head's channels as a matrix product: counters then see its cost.
        ones = q.new_ones(1, self.head_dim)
        masks = self._neighbours(q.new_zeros(q.shape[-1]), float("-inf"))
        scores = [
            ones @ (q * key) + mask for key, mask in zip(self._neighbours(k), masks, strict=True)
        ]
        return torch.cat(scores, 2)

    def _mixed(self, weights: Tensor, v: Tensor) -> Tensor:
        mixed = weights.new_zeros(())
        for weight, value in zip(weights.chunk(self.window, 2), self._neighbours(v), strict=True):
            mixed = torch.addcmul(mixed, weight, value)
        return mixed

    def _neighbours(self, x: Tensor, outside: float = 0) -> Iterator[Tensor]:
        """The neighbours of all tokens (..., N) at one distance after the other."""
        reach = self.window // 2
        padded = F.pad(x, (reach, reach), value=outside)
        return (padded[..., start : start + x.shape[-1]] for start in range(self.window))

    def macs(self, height: int, width: int) -> int:
        n, c = height * width, self.dim
        # A single weight scales all channels: that is no multiply-accumulate.
        mixed = self.window * c if self.num_heads * n > 1 else 0
        return n * (4 * c**2 + 2 * c * self.head_dim + self.window * c + mixed)
