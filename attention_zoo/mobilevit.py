"""MobileViT's attention among the pixels that have the same position within their patch."""

import torch.nn.functional as F
from torch import Tensor, nn

from attention_zoo.registry import register
from attention_zoo.registry.mixer import Mixer

PATCH = 2


@register(
    "mobilevit",
    about="softmax attention between patches",
    paper="arXiv 2110.02178",
    complexity="4NC^2 + N^2C/2",
    differs="",
)
class MobileViTAttention(Mixer):
    """Softmax attention in the 4 groups of N/4 pixels with the same position in a 2x2 patch.

    Odd sides are resized up bilinearly and the result back (Mehta & Rastegari 2022, section 3.1).
    """

    def __init__(self, dim: int, num_heads: int = 1) -> None:
        super().__init__(dim, num_heads)
        self.query_key_value = nn.Conv2d(dim, 3 * dim, 1)
        self.project = nn.Conv2d(dim, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        size = x.shape[-2:]
        even = tuple(_rows(side) * PATCH for side in size)
        if size == even:
            return self._attend(x)
        resized = F.interpolate(x, even, mode="bilinear", align_corners=False)
        return F.interpolate(self._attend(resized), size, mode="bilinear", align_corners=False)

    def _attend(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        rows, columns = h // PATCH, w // PATCH
        qkv = self.query_key_value(x)
        qkv = qkv.reshape(b, 3, self.num_heads, self.head_dim, rows, PATCH, columns, PATCH)
        # (3, B * positions in the patch, heads, rows * columns, d): four dimensions each, or the
        # fused kernel is not taken.
        q, k, v = qkv.permute(1, 0, 5, 7, 2, 4, 6, 3).flatten(1, 3).flatten(-3, -2)
        mixed = F.scaled_dot_product_attention(q, k, v)
        mixed = mixed.reshape(b, PATCH, PATCH, self.num_heads, rows, columns, self.head_dim)
        return self.project(mixed.permute(0, 3, 6, 4, 1, 5, 2).reshape(b, c, h, w))

    def macs(self, height: int, width: int) -> int:
        group, c = _rows(height) * _rows(width), self.dim
        positions = PATCH**2
        return 4 * positions * group * c**2 + positions * 2 * group**2 * c


def _rows(side: int) -> int:
    """Patches along a side, after it is resized to whole patches."""
    return (side + PATCH - 1) // PATCH
