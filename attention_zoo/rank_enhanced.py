"""Linear attention whose low rank a depthwise convolution of the values makes up for."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attention_zoo.linear import attend_linearly
from attention_zoo.registry import register
from attention_zoo.registry.mixer import Mixer, check_flag, check_odd


@register(
    "rank_enhanced",
    about="linear attention plus convolution",
    paper="arXiv 2505.16157",
    complexity="N(4C^2 + 2Cd + k^2C), + C^2 with the gate",
    reconstructed=True,
)
class RankEnhancedAttention(Mixer):
    """W_o(g * (linear(q, k, v) + DW(v))): rank d per head becomes full rank (RELA, LAformer).

    Reconstructed from the abstract of arXiv 2505.16157; the paper's equation is not public.

    Args:
        dim: channels C.
        num_heads: heads h.
        kernel: odd side k of the depthwise convolution, which has its own filter per channel.
        channel_gate: g = sigmoid(W_g mean(x)), one factor per channel; otherwise g = 1.
    """

    def __init__(
        self, dim: int, num_heads: int = 1, *, kernel: int = 5, channel_gate: bool = False
    ) -> None:
        super().__init__(dim, num_heads)
        check_odd("kernel", kernel)
        check_flag("channel_gate", channel_gate)
        self.query_key_value = nn.Conv2d(dim, 3 * dim, 1)
        self.local = nn.Conv2d(dim, dim, kernel, padding=kernel // 2, groups=dim)
        self.gate = nn.Conv2d(dim, dim, 1) if channel_gate else None
        self.project = nn.Conv2d(dim, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        qkv = self.query_key_value(x)
        q, k, v = qkv.reshape(b, 3, self.num_heads, self.head_dim, h * w).unbind(1)
        mixed = attend_linearly(F.relu(q), F.relu(k), v).to(x.dtype).reshape(b, c, h, w)
        mixed = mixed + self.local(v.reshape(b, c, h, w))
        if self.gate is not None:
            mixed = mixed * torch.sigmoid(self.gate(x.mean((2, 3), keepdim=True)))
        return self.project(mixed)

    def macs(self, height: int, width: int) -> int:
        n, c = height * width, self.dim
        gate = c**2 if self.gate is not None else 0
        taps = self.local.weight[0].numel()
        return n * (4 * c**2 + 2 * c * self.head_dim + c + taps * c) + gate
