"""Attention without softmax: the keys are summed once, for all queries."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attention_zoo.registry import register
from attention_zoo.registry.mixer import Mixer

EPSILON = 1e-6


@register(
    "linear",
    about="linear attention with ReLU features",
    paper="arXiv 2006.16236",
    complexity="N(4C^2 + 2Cd)",
    differs="",
)
class LinearAttention(Mixer):
    """o_i = phi(q_i)^T S / (phi(q_i)^T z + eps), phi = ReLU (Katharopoulos et al. 2020, eq. 5).

    S = sum_j phi(k_j) v_j^T is d x d, z = sum_j phi(k_j); the normaliser is taken in float32.
    """

    def __init__(self, dim: int, num_heads: int = 1) -> None:
        super().__init__(dim, num_heads)
        self.query_key_value = nn.Conv2d(dim, 3 * dim, 1)
        self.project = nn.Conv2d(dim, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        heads = self.query_key_value(x).reshape(b, 3, self.num_heads, self.head_dim, h * w)
        q, k, v = heads.unbind(1)
        mixed = attend_linearly(F.relu(q), F.relu(k), v)
        return self.project(mixed.to(x.dtype).reshape(b, c, h, w))

    def macs(self, height: int, width: int) -> int:
        n, c = height * width, self.dim
        return n * (4 * c**2 + 2 * c * self.head_dim + c)


def attend_linearly(q: Tensor, k: Tensor, v: Tensor, epsilon: float = EPSILON) -> Tensor:
    """S q_i / (z^T q_i + eps) for features q, k >= 0; all (..., d, N), channels first."""
    context = v @ k.transpose(-2, -1)
    total = k.sum(-1, keepdim=True, dtype=torch.promote_types(k.dtype, torch.float32))
    normaliser = total.transpose(-2, -1) @ q.to(total.dtype) + epsilon
    return (context @ q) / normaliser
