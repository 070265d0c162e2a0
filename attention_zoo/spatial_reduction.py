"""Keys and values from a map that a strided convolution makes smaller by a fixed ratio."""

import torch.nn.functional as F
from torch import Tensor, nn

from attention_zoo.registry import register
from attention_zoo.registry.mixer import Mixer, check_positive


@register(
    "spatial_reduction",
    about="keys reduced by a convolution",
    paper="arXiv 2102.12122",
    complexity="2NC^2 + Mr^2C^2 + 2MC^2 + 2NMC, M = N/r^2",
    differs="",
)
class SpatialReductionAttention(Mixer):
    """Softmax attention to keys and values from LN(conv(x)), kernel = stride = r (PVT, eq. 2-4).

    Sides that r does not divide are padded with zeros at the right and bottom.

    Args:
        dim: channels C.
        num_heads: heads h.
        ratio: r. As in the authors' code, 1 means neither convolution nor norm: plain softmax.
    """

    def __init__(self, dim: int, num_heads: int = 1, *, ratio: int = 2) -> None:
        super().__init__(dim, num_heads)
        check_positive("ratio", ratio)
        self.ratio = ratio
        self.query = nn.Conv2d(dim, dim, 1)
        if ratio > 1:
            self.reduce = nn.Conv2d(dim, dim, ratio, ratio)
            self.norm = nn.LayerNorm(dim)
        self.key_value = nn.Linear(dim, 2 * dim)
        self.project = nn.Conv2d(dim, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        # Tokens before channels: the fused kernel wants each token's channels side by side.
        q = self.query(x).flatten(2).transpose(1, 2).contiguous()
        q = q.reshape(b, h * w, self.num_heads, self.head_dim).transpose(1, 2)
        kv = self.key_value(self._reduced(x))
        k, v = kv.reshape(b, -1, 2, self.num_heads, self.head_dim).permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v)
        return self.project(mixed.transpose(-2, -1).reshape(b, c, h, w))

    def _reduced(self, x: Tensor) -> Tensor:
        """(B, C, H, W) -> (B, M, C)."""
        if self.ratio == 1:
            return x.flatten(2).transpose(1, 2)
        rows, columns = self._keys(*x.shape[-2:])
        bottom, right = rows * self.ratio - x.shape[-2], columns * self.ratio - x.shape[-1]
        if bottom or right:
            x = F.pad(x, (0, right, 0, bottom))
        return self.norm(self.reduce(x).flatten(2).transpose(1, 2))

    def _keys(self, height: int, width: int) -> tuple[int, int]:
        # Not -(-a // b): while torch traces an export, // of a negative side rounds towards zero.
        return (height + self.ratio - 1) // self.ratio, (width + self.ratio - 1) // self.ratio

    def macs(self, height: int, width: int) -> int:
        n, c, r = height * width, self.dim, self.ratio
        rows, columns = self._keys(height, width)
        m = rows * columns
        reduction = m * r**2 * c**2 if r > 1 else 0
        return 2 * n * c**2 + reduction + 2 * m * c**2 + 2 * n * m * c
