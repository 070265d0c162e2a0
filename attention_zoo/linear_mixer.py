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
    paper="arXiv 2409.17597",
    complexity="N(3C^2/2 + C(P + KG + K) + C), K = 13 on maps of 9 x 9 or more",
)
class LinearAdaptiveMixer(Mixer):
    """W_o concat(a sigma(a mean_C(c) / N), c sigma(mean_N(a)^T c / C')), C' = C/2 (LAMNet's mixer).

    a is the focal separable branch on the first half of the channels, c = PW relu(PW) on the second
    half; with an odd C the halves share the middle channel. The published formulas leave open P and
    which branch a gate multiplies: each gate is given to the branch whose shape it keeps.

    Args:
        dim: channels C.
        num_heads: unused; `groups` splits the channels instead.
        groups: G, sets of tap weights per pixel; reduced to the greatest common divisor with C'.
        kernel: P, the odd length of the depthwise convolutions before the tap weights.
    """

    def __init__(self, dim: int, num_heads: int = 1, *, groups: int = 4, kernel: int = 7) -> None:
        super().__init__(dim, num_heads)
        check_positive("groups", groups)
        check_odd("kernel", kernel)
        self.branch = half = (dim + 1) // 2
        common = math.gcd(groups, half)
        self.along_rows = FocalAxis(half, common, kernel, axis=-1)
        self.along_columns = FocalAxis(half, common, kernel, axis=-2)
        self.enter = nn.Conv2d(half, half, 1)
        self.leave = nn.Conv2d(half, half, 1)
        self.project = nn.Conv2d(2 * half, dim, 1)

    def forward(self, x: Tensor) -> Tensor:
        b, _, h, w = x.shape
        a = self.along_columns(self.along_rows(x[:, : self.branch])).reshape(b, self.branch, h * w)
        c = self.leave(F.relu(self.enter(x[:, -self.branch :]))).reshape(b, self.branch, h * w)
        # The short vector is divided, not the product: in float16 the sum could overflow.
        spatial = (a.mean(2) / self.branch)[:, None] @ c
        channel = a @ (c.mean(1) / (h * w))[..., None]
        both = torch.cat((a * channel.sigmoid(), c * spatial.sigmoid()), 1)
        return self.project(both.reshape(b, 2 * self.branch, h, w))

    def macs(self, height: int, width: int) -> int:
        n, half = height * width, self.branch
        focal = self.along_rows.macs(height, width) + self.along_columns.macs(height, width)
        return focal + n * (2 * half**2 + 2 * half + 2 * half * self.dim)
