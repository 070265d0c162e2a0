"""Attention whose keys are read at learned, fractional positions."""

import math

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from attention_zoo.layers.key_grid import REFERENCES, key_grid
from attention_zoo.registry import register
from attention_zoo.registry.mixer import Mixer, check_choice, check_odd, check_positive


@register(
    "deformable",
    about="keys at learned positions",
    paper="arXiv 2201.00520",
    complexity="2NMC + 2NC^2 + 2MC^2 + (k^2 + 2)MC, M = N/stride^2",
    differs="the default grid of keys; dat and dat++ are equal",
)
class DeformableAttention(Mixer):
    """softmax(q k~^T / sqrt d + bias) v~, k~ and v~ from x at grid + offset(q) (DAT, section 3).

    The bias is read bilinearly from a (h, 2 base - 1, 2 base - 1) table at the distance from the
    query to where the key was read, so that the offsets learn from both reads.

    Args:
        dim: channels C.
        num_heads: heads h.
        groups: sets of key positions; reduced to the greatest common divisor with h.
        stride: pixels per key along each side, r.
        kernel: side k of the depthwise convolution before the offsets, odd.
        reference: "centered" (middles of the r x r cells, offsets in pixels, kept on the map),
            "dat" (offsets of at most 2 / keys, not kept on the map) or "dat++" (free offsets, kept
            on the map); the latter two are on the published grids, from -1 to 1 over the map.
        base: side of the map for which the bias table has an entry per distance.
    """

    def __init__(
        self,
        dim: int,
        num_heads: int = 1,
        *,
        groups: int = 1,
        stride: int = 2,
        kernel: int = 5,
        reference: str = "centered",
        base: int = 7,
    ) -> None:
        super().__init__(dim, num_heads)
        for option, value in (("groups", groups), ("stride", stride), ("base", base)):
            check_positive(option, value)
        check_odd("kernel", kernel)
        check_choice("reference", reference, REFERENCES)
        self.stride, self.reference = stride, reference
        self.groups = math.gcd(groups, num_heads)
        width = dim // self.groups
        self.query = nn.Conv2d(dim, dim, 1)
        # Groups share the offset network, as in the authors' model.
        self.gather = nn.Conv2d(width, width, kernel, stride, kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.offset = nn.Conv2d(width, 2, 1, bias=False)
        self.key_value = nn.Conv2d(dim, 2 * dim, 1)
        self.project = nn.Conv2d(dim, dim, 1)
        self.bias_table = nn.Parameter(torch.zeros(num_heads, 2 * base - 1, 2 * base - 1))
        nn.init.trunc_normal_(self.bias_table, std=0.02)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        q = self.query(x)
        keys = self._positions(q)
        read = _read(x.reshape(b * self.groups, -1, h, w), keys)
        kv = self.key_value(read.reshape(b, c, -1, 1))
        # Without the copies, torch's fused attention refuses the strides.
        kv = kv.reshape(b, 2, self.num_heads, self.head_dim, -1).transpose(-2, -1)
        k, v = kv.contiguous().unbind(1)
        q = q.reshape(b, self.num_heads, self.head_dim, h * w).transpose(-2, -1).contiguous()
        bias = self._bias(keys.flatten(1, 2), h, w).to(v.dtype)
        mixed = F.scaled_dot_product_attention(q.to(v.dtype), k, v, attn_mask=bias)
        return self.project(mixed.transpose(-2, -1).reshape(b, c, h, w))

    def _positions(self, q: Tensor) -> Tensor:
        """Where each group reads, (x, y) from -1 to 1 over the map: (B * groups, M_H, M_W, 2)."""
        size = q.shape[-2:]
        local = self.gather(q.reshape(-1, q.shape[1] // self.groups, *size))
        local = F.gelu(self.norm(local.permute(0, 2, 3, 1))).permute(0, 3, 1, 2)
        offset = self.offset(local).permute(0, 2, 3, 1)
        # In half precision, neighbouring pixels of a large map would have one position.
        offset = offset.to(torch.promote_types(offset.dtype, torch.float32))
        return key_grid(self.reference, offset, self.stride, *size)

    def _bias(self, keys: Tensor, height: int, width: int) -> Tensor:
        """The bias between each query and each key: (B, h, N, M)."""
        # Stride 1 without offsets: the queries' own positions, on DAT's grid of cell centres.
        reference = "dat" if self.reference == "dat" else "centered"
        grid = key_grid(reference, keys.new_zeros(1, height, width, 2), 1, height, width)
        # Distances span -2 to 2, the table -1 to 1; halved before the large tensor is made.
        distances = grid.reshape(-1, 1, 2) / 2 - keys[:, None] / 2
        tables = self.bias_table.reshape(1, self.groups, -1, *self.bias_table.shape[1:])
        tables = tables.expand(keys.shape[0] // self.groups, -1, -1, -1, -1).flatten(0, 1)
        return _read(tables, distances).reshape(-1, self.num_heads, height * width, keys.shape[1])

    def macs(self, height: int, width: int) -> int:
        n, c = height * width, self.dim
        r = self.stride
        m = ((height + r - 1) // r) * ((width + r - 1) // r)
        offsets = m * (self.gather.weight[0].numel() + 2) * c
        return 2 * n * m * c + 2 * n * c**2 + 2 * m * c**2 + offsets


def _read(maps: Tensor, positions: Tensor) -> Tensor:
    """Bilinear, 0 beyond the edge: (B, C, H, W) at (B, R, S, 2) positions -> (B, C, R, S)."""
    wide = maps.to(positions.dtype)
    return F.grid_sample(wide, positions, mode="bilinear", align_corners=True).to(maps.dtype)
