"""A focal separable branch and a channel branch that gate each other."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attention_zoo.layers.focal_axis import FocalAxis
from attention_zoo.registry import register
from attention_zoo.registry.mixer import Mixer, check_odd, check_positive


@register(
    "linear_mixer",
    about="focal lines and channel gates",
    paper="arXiv 2409.17597",
    complexity="N(9C^2/4 + C(P + KG + K) + C), K = 13 on maps of 9 x 9 or more",
    differs="",
)
class LinearAdaptiveMixer(Mixer):
    """W_o concat(c sigma(mean_N(a)^T c / C'), a sigma(a mean_C(c) / N)), C' = C/2 (LAMNet's mixer).

    (u, v) = W_i x in halves; c = PW relu(PW u) with C'/2 hidden channels, a is the focal separable
    branch of v. An odd C is rounded up between W_i and W_o.

    Args:
        dim: channels C.
        num_heads: unused; `groups` splits the channels instead.
        groups: G, sets of tap weights per pixel; reduced to the greatest common divisor with C'.
        kernel: P, the odd length of the depthwise convolutions before the tap weights; the
            default spans the reach of the taps, as in the authors' model.
    """

    def __init__(self, dim: int, num_heads: int = 1, *, groups: int = 4, kernel: int = 23) -> None:
        super().__init__(dim, num_heads)
        check_positive("groups", groups)
        check_odd("kernel", kernel)
        self.branch = half = (dim + 1) // 2
        common = math.gcd(groups, half)
        self.along_rows = FocalAxis(half, common, kernel, axis=-1)
        self.along_columns = FocalAxis(half, common, kernel, axis=-2)
        self.enter = nn.Conv2d(dim, 2 * half, 1)
        hidden = max(1, half // 2)
        self.squeeze = nn.Conv2d(half, hidden, 1)
        self.expand = nn.Conv2d(hidden, half, 1)
        self.project = nn.Conv2d(2 * half, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        b, _, h, w = x.shape
        u, v = self.enter(x).chunk(2, 1)
        a = self.along_columns(self.along_rows(v)).reshape(b, self.branch, h * w)
        c = self.expand(F.relu(self.squeeze(u))).reshape(b, self.branch, h * w)
        # The short vector is divided, not the product: in float16 the sum could overflow.
        spatial = (a.mean(2) / self.branch)[:, None] @ c
        channel = a @ (c.mean(1) / (h * w))[..., None]
        both = torch.cat((c * spatial.sigmoid(), a * channel.sigmoid()), 1)
        return self.project(both.reshape(b, 2 * self.branch, h, w))

    def macs(self, height: int, width: int) -> int:
        n, half = height * width, self.branch
        focal = self.along_rows.macs(height, width) + self.along_columns.macs(height, width)
        channel = 2 * half * self.squeeze.out_channels
        return focal + n * (channel + 2 * half + 4 * half * self.dim)
