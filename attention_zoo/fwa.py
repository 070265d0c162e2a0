"""Fast window aggregation: few keys from adaptive windows, all queries, ReLU weights."""

import math

import torch
from torch import Tensor

from attention_zoo.layers.aggregation import KINDS, Windows, aggregation
from attention_zoo.layers.conv_norm import ConvNorm
from attention_zoo.registry import register
from attention_zoo.registry.mixer import Mixer, check_choice

NORMALIZERS = ("relu", "relu_sum", "softmax", "relu_unscaled")
EPSILON = 1e-6


@register(
    "fwa",
    about="keys aggregated from adaptive windows",
    paper="arXiv 2508.01385",
    complexity="2NC^2 + 2MC^2 + 2NMC + 9MC, M ~ sqrt N",
    reconstructed=True,
    limits={"onnx": "window='fixed:K' only where K divides both sides: no adaptive pooling there"},
)
class FastWindowAttention(Mixer):
    """Global attention with M keys aggregated from windows and relu(S)/M as weights.

    Reconstructed from the abstract of arXiv 2508.01385; the paper's equations are not public.

    Args:
        dim: channels C.
        num_heads: heads h.
        window: "sqrt" (windows of ceil(sqrt(side))), a constant side, "fixed:K" (K x K keys), or
            "global" (every position is a key: the control).
        aggregate: how a window becomes a key: "mean+dw", "mean", "max", "weighted" or "strided".
        normalizer: "relu" (relu(S)/M), "relu_sum", "softmax" (control), "relu_unscaled" (negative
            control: its sums drift with M).
    """

    def __init__(
        self,
        dim: int,
        num_heads: int = 1,
        *,
        window: int | str = "sqrt",
        aggregate: str = "mean+dw",
        normalizer: str = "relu",
    ) -> None:
        super().__init__(dim, num_heads)
        check_choice("aggregate", aggregate, KINDS)
        check_choice("normalizer", normalizer, NORMALIZERS)
        self.windows = Windows(window)
        self.normalizer = normalizer
        self.aggregate = aggregation(aggregate, dim, self.windows)
        self.query = ConvNorm(dim, dim)
        self.key_value = ConvNorm(dim, 2 * dim)
        self.project = ConvNorm(dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        # Channels-first throughout: the N-sized tensors are never transposed.
        q = self.query(x).reshape(b * self.num_heads, self.head_dim, h * w)
        kv = self.key_value(self.aggregate(x))
        kv = kv.reshape(b, 2, self.num_heads, self.head_dim, -1)
        k, v = kv.transpose(0, 1).flatten(1, 2)
        scores = (k * self._scale(k.shape[-1])).transpose(1, 2) @ q
        mixed = v @ self._weights(scores)
        return self.project(mixed.reshape(b, c, h, w))

    def _scale(self, keys: int) -> float:
        """What multiplies the keys; relu(s)/M = relu(s/M), so 1/M costs nothing there."""
        scale = 1 / math.sqrt(self.head_dim)
        return scale / keys if self.normalizer == "relu" else scale

    def _weights(self, scores: Tensor) -> Tensor:
        """Weights over the keys, dimension 1 of (B * heads, M, N)."""
        if self.normalizer == "softmax":
            return scores.softmax(1)
        weights = scores.relu_()  # in place: this is the largest tensor of the mixer
        if self.normalizer == "relu_sum":
            wide = torch.promote_types(weights.dtype, torch.float32)
            weights = weights / (weights.sum(1, keepdim=True, dtype=wide) + EPSILON)
        return weights.to(scores.dtype)

    def macs(self, height: int, width: int) -> int:
        n, c = height * width, self.dim
        m = math.prod(self.windows.keys(height, width))
        attention = 2 * n * c**2 + 2 * m * c**2 + 2 * n * m * c
        return attention + self.aggregate.macs(height, width)
