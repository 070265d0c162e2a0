"""Multi-head self-attention over all positions."""

import torch.nn.functional as F
from torch import Tensor, nn

from attention_zoo.contract import Mixer
from attention_zoo.registry import register


@register("softmax", paper="arXiv 1706.03762", complexity="4NC^2 + 2N^2C")
class SoftmaxAttention(Mixer):
    """Softmax(q k^T / sqrt d) v over all N positions (Vaswani et al. 2017, eq. 1)."""

    def __init__(self, dim: int, num_heads: int = 1) -> None:
        super().__init__(dim, num_heads)
        self.query_key_value = nn.Conv2d(dim, 3 * dim, 1)
        self.project = nn.Conv2d(dim, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        heads = self.query_key_value(x).reshape(b, 3, self.num_heads, self.head_dim, h * w)
        q, k, v = heads.transpose(-2, -1).unbind(1)
        mixed = F.scaled_dot_product_attention(q, k, v)
        return self.project(mixed.transpose(-2, -1).reshape(b, c, h, w))

    def macs(self, height: int, width: int) -> int:
        n, c = height * width, self.dim
        return 4 * n * c**2 + 2 * n**2 * c
