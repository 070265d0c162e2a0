"""Attention through a few learned latents, which first read all tokens and then are read."""

import math

import torch
from torch import Tensor, nn

from attention_zoo.registry import register
from attention_zoo.registry.mixer import Mixer, check_flag, check_positive


@register(
    "latent",
    about="attention through a few latents",
    paper="arXiv 2506.18791",
    complexity="4NC^2 + 4NMC, M latents; + 9NC with the local convolution",
    reconstructed=True,
)
class LatentAttention(Mixer):
    """Y = softmax(q L^T / sqrt d) Z, Z = softmax(L k^T / sqrt d) v: light latent attention.

    Reconstructed from the abstract of arXiv 2506.18791; the paper's equation is not public.

    Args:
        dim: channels C.
        num_heads: heads h.
        latents: learned latents M, shared by the two softmaxes.
        local: add a depthwise 3x3 convolution of v to Y.
    """

    def __init__(
        self, dim: int, num_heads: int = 1, *, latents: int = 16, local: bool = False
    ) -> None:
        super().__init__(dim, num_heads)
        check_positive("latents", latents)
        check_flag("local", local)
        self.query_key_value = nn.Conv2d(dim, 3 * dim, 1)
        self.latents = nn.Parameter(torch.randn(latents, dim))
        self.local = nn.Conv2d(dim, dim, 3, padding=1, groups=dim) if local else None
        self.project = nn.Conv2d(dim, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        qkv = self.query_key_value(x).reshape(b, 3, self.num_heads, self.head_dim, h * w)
        # Channels-first throughout: no tensor of N tokens is transposed.
        latents = self.latents / math.sqrt(self.head_dim)
        latents = latents.reshape(-1, self.num_heads, self.head_dim).transpose(0, 1)
        from_queries, from_keys = (latents @ qkv[:, :2]).unbind(1)
        v = qkv[:, 2]
        summary = v @ from_keys.softmax(-1).transpose(-2, -1)
        mixed = (summary @ from_queries.softmax(-2)).reshape(b, c, h, w)
        if self.local is not None:
            mixed = mixed + self.local(v.reshape(b, c, h, w))
        return self.project(mixed)

    def macs(self, height: int, width: int) -> int:
        n, c, m = height * width, self.dim, self.latents.shape[0]
        local = 9 * n * c if self.local is not None else 0
        return 4 * n * c**2 + 4 * n * m * c + local
