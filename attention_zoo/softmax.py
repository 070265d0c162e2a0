"""Multi-head self-attention over all positions."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attention_zoo.layers.position import BASE_SIDE, pair_bias, resized
from attention_zoo.registry import register
from attention_zoo.registry.mixer import Mixer, check_flag


@register(
    "softmax",
    about="softmax attention over all positions",
    paper="arXiv 1706.03762",
    complexity="4NC^2 + 2N^2C",
    differs="",
)
class SoftmaxAttention(Mixer):
    """Softmax(q k^T / sqrt d) v over all N positions (Vaswani et al. 2017, eq. 1).

    Args:
        dim: channels C.
        num_heads: heads h.
        relative_bias: add to the scores a learned bias per relative position, as the attention
            stages of LIT do (arXiv 2105.14217). Its (h, 27, 27) table fits maps of 14 x 14 and is
            resized bilinearly for others.
    """

    def __init__(self, dim: int, num_heads: int = 1, *, relative_bias: bool = False) -> None:
        super().__init__(dim, num_heads)
        check_flag("relative_bias", relative_bias)
        self.query_key_value = nn.Conv2d(dim, 3 * dim, 1)
        self.project = nn.Conv2d(dim, dim, 1)
        self.bias_table: nn.Parameter | None = None
        if relative_bias:
            side = 2 * BASE_SIDE - 1
            self.bias_table = nn.Parameter(torch.zeros(num_heads, side, side))
            nn.init.trunc_normal_(self.bias_table, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        heads = self.query_key_value(x).reshape(b, 3, self.num_heads, self.head_dim, h * w)
        # Without the copy, torch's fused attention refuses the strides: five times the time.
        q, k, v = heads.transpose(-2, -1).contiguous().unbind(1)
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=self._bias(q, h, w))
        return self.project(mixed.transpose(-2, -1).reshape(b, c, h, w))

    def _bias(self, q: Tensor, height: int, width: int) -> Tensor | None:
        if self.bias_table is None:
            return None
        table = resized(self.bias_table, 2 * height - 1, 2 * width - 1)
        return pair_bias(table, height, width)[None].to(q.dtype)

    def macs(self, height: int, width: int) -> int:
        n, c = height * width, self.dim
        return 4 * n * c**2 + 2 * n**2 * c
