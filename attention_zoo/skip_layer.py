"""Attention in which some heads look at the keys and values of an earlier layer."""

from typing import ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attention_zoo.registry import register
from attention_zoo.registry.mixer import Memory, Mixer, check_not_negative, check_positive


@register(
    "skip_layer",
    about="heads that read earlier layers' keys",
    paper="arXiv 2406.11274",
    complexity="4NC^2 + 2N^2C",
    reconstructed=True,
)
class SkipLayerAttention(Mixer):
    """Softmax attention whose first n_h heads read keys and values of n_l layers before (SLA).

    Reconstructed from the abstract of arXiv 2406.11274. A stage keeps the memory and drops it after
    each forward; without memory, or n_l layers into it, this is `softmax`.

    Args:
        dim: channels C.
        num_heads: heads h.
        n_h: heads that look back; all of them where there are fewer.
        n_l: how many layers of the stage they look back.
    """

    takes_memory: ClassVar[bool] = True

    def __init__(self, dim: int, num_heads: int = 1, *, n_h: int = 2, n_l: int = 1) -> None:
        super().__init__(dim, num_heads)
        check_not_negative("n_h", n_h)
        check_positive("n_l", n_l)
        self.n_h, self.n_l = min(n_h, num_heads), n_l
        self.query_key_value = nn.Conv2d(dim, 3 * dim, 1)
        self.project = nn.Conv2d(dim, dim, 1)

    def forward(self, x: Tensor, memory: Memory | None = None) -> Tensor:
        """Mix the tokens of x; reads earlier (K, V) from `memory` and appends its own."""
        b, c, h, w = x.shape
        heads = self.query_key_value(x).reshape(b, 3, self.num_heads, self.head_dim, h * w)
        # Without the copy, torch's fused attention refuses the strides: five times the time.
        q, k, v = heads.transpose(-2, -1).contiguous().unbind(1)
        mixed = F.scaled_dot_product_attention(q, *self._keys_values(k, v, memory))
        if memory is not None:
            memory.append((k, v))
        return self.project(mixed.transpose(-2, -1).reshape(b, c, h, w))

    def _keys_values(self, k: Tensor, v: Tensor, memory: Memory | None) -> tuple[Tensor, Tensor]:
        if memory is None or len(memory) < self.n_l or self.n_h == 0:
            return k, v
        old_k, old_v = memory[-self.n_l]
        skip = self.n_h
        return (
            torch.cat((old_k[:, :skip], k[:, skip:]), 1),
            torch.cat((old_v[:, :skip], v[:, skip:]), 1),
        )

    def macs(self, height: int, width: int) -> int:
        n, c = height * width, self.dim
        return 4 * n * c**2 + 2 * n**2 * c
