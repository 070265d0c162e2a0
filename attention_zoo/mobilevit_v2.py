"""MobileViTv2's separable attention: one score per pixel, one context for all queries."""

import torch.nn.functional as F
from torch import Tensor, nn

from attention_zoo.mobilevit import PATCH, MobileViTAttention
from attention_zoo.registry import register


@register(
    "mobilevit_v2",
    about="separable attention with one query",
    paper="arXiv 2206.02680",
    complexity="N(3C^2 + 2C)",
    differs="",
)
class SeparableAttention(MobileViTAttention):
    """W_o(relu(v) * c), c = sum_j softmax(s)_j k_j over pixels of one position in a 2x2 patch.

    s is one score per pixel (Mehta & Rastegari 2022, section 3.1), so that `num_heads` changes
    nothing. Odd sides are resized up bilinearly and the result back.
    """

    def __init__(self, dim: int, num_heads: int = 1) -> None:
        super().__init__(dim, num_heads)
        self.query_key_value = nn.Conv2d(dim, 1 + 2 * dim, 1)

    def _attend(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        score, key, value = self.query_key_value(x).split((1, c, c), 1)
        weights = _by_position(score).softmax(-1)
        # (B, positions, C, 1) -> (B, C, positions)
        context = (_by_position(key) @ weights.transpose(-2, -1)).squeeze(-1).transpose(1, 2)
        context = context.reshape(b, c, 1, PATCH, PATCH).repeat(1, 1, 1, 1, w // PATCH)
        mixed = F.relu(value).reshape(b, c, h // PATCH, PATCH, w) * context
        return self.project(mixed.reshape(b, c, h, w))

    def macs(self, height: int, width: int) -> int:
        n, c = (height + height % PATCH) * (width + width % PATCH), self.dim
        return n * (3 * c**2 + 2 * c)


def _by_position(x: Tensor) -> Tensor:
    """(B, K, H, W) -> (B, positions in a patch, K, patches)."""
    b, k, h, w = x.shape
    tiles = x.reshape(b, k, h // PATCH, PATCH, w // PATCH, PATCH)
    return tiles.permute(0, 3, 5, 1, 2, 4).reshape(b, PATCH**2, k, -1)
