"""Keys from a map pooled to one fixed size: the fixed-reduction baseline."""

import torch.nn.functional as F
from torch import Tensor, nn

from attention_zoo.registry import register
from attention_zoo.registry.mixer import Mixer, check_positive


@register(
    "pooled",
    about="keys pooled to 7 x 7",
    paper="arXiv 2106.13797",
    complexity="2NC^2 + 3PC^2 + 2NPC, P = pool^2",
    limits={"onnx": "only where pool divides both sides: ONNX has no adaptive pooling"},
    differs="",
)
class PooledAttention(Mixer):
    """Keys and values from an average pool to pool x pool, 1x1, LN, GELU (PVTv2, section 3.2)."""

    def __init__(self, dim: int, num_heads: int = 1, *, pool: int = 7) -> None:
        super().__init__(dim, num_heads)
        check_positive("pool", pool)
        self.pool = pool
        self.query = nn.Conv2d(dim, dim, 1)
        self.reduce = nn.Conv2d(dim, dim, 1)
        self.norm = nn.LayerNorm(dim)
        self.key_value = nn.Linear(dim, 2 * dim)
        self.project = nn.Conv2d(dim, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        # Tokens before channels: the fused kernel wants each token's channels side by side.
        q = self.query(x).flatten(2).transpose(1, 2).contiguous()
        q = q.reshape(b, h * w, self.num_heads, self.head_dim).transpose(1, 2)
        pooled = self.reduce(F.adaptive_avg_pool2d(x, self.pool)).flatten(2).transpose(1, 2)
        kv = self.key_value(F.gelu(self.norm(pooled)))
        kv = kv.reshape(b, self.pool**2, 2, self.num_heads, self.head_dim)
        k, v = kv.permute(2, 0, 3, 1, 4)
        mixed = F.scaled_dot_product_attention(q, k, v)
        return self.project(mixed.transpose(-2, -1).reshape(b, c, h, w))

    def macs(self, height: int, width: int) -> int:
        n, p, c = height * width, self.pool**2, self.dim
        return 2 * n * c**2 + 3 * p * c**2 + 2 * n * p * c
