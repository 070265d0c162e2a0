"""Low-dimensional attention in parallel with a gated depthwise branch."""

import torch.nn.functional as F
from torch import Tensor, nn

from attention_zoo.layers.conv_norm import ConvNorm
from attention_zoo.registry import register
from attention_zoo.registry.mixer import Mixer, check_positive

SQUEEZE = 4


@register(
    "context",
    about="attention plus a gated convolution",
    paper="arXiv 2501.19255",
    complexity="2MCh(d_k + d_v) + 2M^2 h max(d_k, d_v) + N(C^2 + 19C) + C^2/2, M = N/pool^2",
    reconstructed=True,
)
class ContextAttention(Mixer):
    """f(x) = attention(x) + gate(D) * D, D = DW3x3 + DW1x1 + PW(DW3x3') + id (ContextFormer).

    Reconstructed from the abstract of arXiv 2501.19255 and its follow-up 2608.18979.
    attention(x) = W_o relu6(softmax(q k^T / sqrt d_k) v), gate(D) = sigmoid(FC(relu(FC(GAP D)))).

    Args:
        dim: channels C.
        num_heads: heads h.
        key_dim: channels d_k of the queries and keys of a head.
        value_dim: channels d_v of the values of a head.
        pool: side of the windows whose means the attention sees; its output is resized back.
    """

    def __init__(
        self,
        dim: int,
        num_heads: int = 1,
        *,
        key_dim: int = 16,
        value_dim: int = 32,
        pool: int = 1,
    ) -> None:
        super().__init__(dim, num_heads)
        for option, value in (("key_dim", key_dim), ("value_dim", value_dim), ("pool", pool)):
            check_positive(option, value)
        self.pool = pool
        self.sizes = (key_dim, key_dim, value_dim)
        self.widest = max(self.sizes)
        self.query_key_value = ConvNorm(dim, num_heads * sum(self.sizes))
        self.project = ConvNorm(num_heads * value_dim, dim)
        self.spatial = ConvNorm(dim, dim, 3, groups=dim)
        self.scale = ConvNorm(dim, dim, groups=dim)
        self.separable = nn.Sequential(ConvNorm(dim, dim, 3, groups=dim), ConvNorm(dim, dim))
        self.squeeze = nn.Conv2d(dim, max(1, dim // SQUEEZE), 1)
        self.excite = nn.Conv2d(max(1, dim // SQUEEZE), dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        local = self.spatial(x) + self.scale(x) + self.separable(x) + x
        gate = self.excite(F.relu(self.squeeze(local.mean((2, 3), keepdim=True)))).sigmoid()
        return self._attend(x) + gate * local

    def _attend(self, x: Tensor) -> Tensor:
        size = x.shape[-2:]
        if self.pool > 1:  # without padding, border windows are means of their valid pixels
            x = F.avg_pool2d(x, self.pool, ceil_mode=True, count_include_pad=False)
        b, _, h, w = x.shape
        heads = self.query_key_value(x).reshape(b, self.num_heads, sum(self.sizes), h * w)
        # Torch's fused attention, a quarter of the time, wants this layout and equal widths.
        parts = heads.transpose(-2, -1).contiguous().split(self.sizes, -1)
        q, k, v = (F.pad(part, (0, self.widest - part.shape[-1])) for part in parts)
        mixed = F.scaled_dot_product_attention(q, k, v, scale=self.sizes[0] ** -0.5)
        mixed = F.relu6(mixed[..., : self.sizes[2]])
        y = self.project(mixed.transpose(-2, -1).reshape(b, -1, h, w))
        if self.pool > 1:
            y = F.interpolate(y, size, mode="bilinear", align_corners=False)
        return y

    def macs(self, height: int, width: int) -> int:
        n, c = height * width, self.dim
        m = ((height + self.pool - 1) // self.pool) * ((width + self.pool - 1) // self.pool)
        key_dim, _, value_dim = self.sizes
        dense = 2 * m * c * self.num_heads * (key_dim + value_dim)
        attention = 2 * m**2 * self.num_heads * self.widest
        return dense + attention + n * (c**2 + 19 * c) + 2 * c * max(1, c // SQUEEZE)
