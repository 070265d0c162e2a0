"""Linear attention with focused features, and a depthwise convolution of the values."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attention_zoo.layers.position import BASE_SIDE, resized
from attention_zoo.linear import EPSILON, attend_linearly
from attention_zoo.registry import register
from attention_zoo.registry.mixer import Mixer, check_flag, check_odd, check_positive

FLOOR = 1e-6


@register(
    "focused_linear",
    about="linear attention, focused features",
    paper="arXiv 2308.00442",
    complexity="N(4C^2 + 2Cd + k^2C), kernel k",
    differs="",
)
class FocusedLinearAttention(Mixer):
    """W_o(linear(phi(q), phi(k), v) + DW(v)), phi(t) = |t| t^p / |t^p| (FLatten, eq. 6-8).

    t = (relu(.) + 1e-6) / softplus(theta) over all C channels, before the heads are split. The d
    filters of DW are shared by all heads. phi is taken in float32.

    Args:
        dim: channels C.
        num_heads: heads h.
        power: p, how much phi turns a feature towards its nearest axis; 1 leaves it as it is.
        kernel: odd side k of DW; 0 leaves DW out.
        position: add to k a learned position per pixel, as the authors' code does: zeros at first,
            made for maps of 14 x 14 and resized bilinearly for others.
    """

    def __init__(
        self,
        dim: int,
        num_heads: int = 1,
        *,
        power: int = 3,
        kernel: int = 5,
        position: bool = False,
    ) -> None:
        super().__init__(dim, num_heads)
        check_positive("power", power)
        check_flag("position", position)
        check_odd("kernel", kernel, or_zero=True)
        self.power = power
        self.query_key_value = nn.Conv2d(dim, 3 * dim, 1)
        self.theta = nn.Parameter(torch.zeros(dim))
        self.position: nn.Parameter | None = None
        if position:
            self.position = nn.Parameter(torch.zeros(dim, BASE_SIDE, BASE_SIDE))
        d = self.head_dim
        self.local = nn.Conv2d(d, d, kernel, padding=kernel // 2, groups=d) if kernel else None
        self.project = nn.Conv2d(dim, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        q, k, v = self.query_key_value(x).flatten(2).chunk(3, 1)
        if self.position is not None:
            k = k + resized(self.position, h, w).flatten(1)
        wide = torch.promote_types(x.dtype, torch.float32)
        q, k, v = (
            part.unflatten(1, (self.num_heads, self.head_dim))
            for part in (self._focused(q.to(wide)), self._focused(k.to(wide)), v)
        )
        # The authors add 1e-6 to the product with the mean key, so N times that to the sum.
        mixed = attend_linearly(q, k, v.to(wide), EPSILON * h * w).to(x.dtype).reshape(b, c, h, w)
        if self.local is not None:
            heads = v.reshape(b * self.num_heads, self.head_dim, h, w)
            mixed = mixed + self.local(heads).reshape(b, c, h, w)
        return self.project(mixed)

    def _focused(self, tokens: Tensor) -> Tensor:
        """Features phi of (B, C, N), over C."""
        t = (F.relu(tokens) + FLOOR) / F.softplus(self.theta).to(tokens.dtype)[:, None]
        # phi(t) = a phi(t / a): with the largest entry at 1 neither power nor norm under- or
        # overflows. a is detached because phi does not depend on it.
        largest = t.detach().amax(1, keepdim=True)
        t = t / largest
        powered = t**self.power
        return powered * (largest * _norm(t) / _norm(powered))

    def macs(self, height: int, width: int) -> int:
        n, c = height * width, self.dim
        taps = self.local.weight[0].numel() if self.local is not None else 0
        return n * (4 * c**2 + 2 * c * self.head_dim + c + taps * c)


def _norm(x: Tensor) -> Tensor:
    """Over the channels. Several times as fast as torch's where they are not the last dimension."""
    return x.square().sum(1, keepdim=True).sqrt()
