"""Attention among superpixels: a reducer of tokens around any other mixer."""

import torch
import torch.nn.functional as F
from torch import Tensor

from attention_zoo.layers.segments import pixel_positions, pool, seed_grid, segment, unpool
from attention_zoo.registry import MixerError, build, entries, register
from attention_zoo.registry.mixer import Mixer, check_choice, check_flag, check_positive


@register(
    "superpixel",
    about="attention between superpixels",
    paper="arXiv 2506.18791",
    complexity="RKN(C + 2) + the inner mixer's on K tokens, R rounds, K segments",
    reconstructed=True,
)
class SuperpixelPooling(Mixer):
    """unpool(inner(pool(x) + position)) over the superpixels of x (Super-Pixel Patch Pooling).

    Reconstructed from the abstract of arXiv 2506.18791. Segments come from a few rounds of SLIC on
    the map itself; the inner mixer sees their means as a small map, in the order of the seeds.

    Args:
        dim: channels C.
        num_heads: heads of the inner mixer.
        inner: name of the mixer among the segments, with its default options.
        segments: upper bound of the number of segments K; the grid of seeds may need fewer.
        rounds: R, assignments of every pixel to its nearest segment.
        compactness: weight of the distance in the map relative to that of the features, above 0.
        positions: add the sine and cosine of the segments' centroids before the inner mixer.
    """

    def __init__(
        self,
        dim: int,
        num_heads: int = 1,
        *,
        inner: str = "softmax",
        segments: int = 49,
        rounds: int = 5,
        compactness: float = 1.0,
        positions: bool = True,
    ) -> None:
        super().__init__(dim, num_heads)
        check_choice("inner", inner, [name for name in entries() if name != "superpixel"])
        check_positive("segments", segments)
        check_positive("rounds", rounds)
        number = isinstance(compactness, int | float) and not isinstance(compactness, bool)
        if not number or not 0 < compactness < float("inf"):
            raise MixerError(f"compactness must be a number above 0, got {compactness!r}")
        check_flag("positions", positions)
        self.segments, self.rounds = segments, rounds
        self.compactness, self.positions = compactness, positions
        self.inner = build(inner, dim=dim, num_heads=num_heads)

    def forward(self, x: Tensor) -> Tensor:
        b, c, h, w = x.shape
        grid = seed_grid(self.segments, h, w)
        labels = segment(x, grid, self.rounds, self.compactness)
        tokens = pool(x.flatten(2), labels, grid[0] * grid[1])
        if self.positions:
            tokens = tokens + self._position(x, labels, tokens)
        mixed = self.inner(tokens.to(x.dtype).reshape(b, c, *grid))
        return unpool(mixed.flatten(2), labels).reshape(b, c, h, w)

    def _position(self, x: Tensor, labels: Tensor, tokens: Tensor) -> Tensor:
        """Sines and cosines of the centroids' rows and columns, (B, C, K); 0 for C % 4 channels."""
        pixels = pixel_positions(x, tokens.dtype).expand(x.shape[0], -1, -1)
        centroids = pool(pixels, labels, tokens.shape[2])
        count = self.dim // 4
        steps = torch.arange(count, device=x.device).to(tokens.dtype) / max(count, 1)
        angles = centroids[:, :, None] * (10000**-steps)[:, None]
        waves = torch.cat((angles.sin(), angles.cos()), 2).flatten(1, 2)
        return F.pad(waves, (0, 0, 0, self.dim % 4))

    def macs(self, height: int, width: int) -> int:
        rows, columns = seed_grid(self.segments, height, width)
        distances = self.rounds * rows * columns * height * width * (self.dim + 2)
        return distances + self.inner.macs(rows, columns)
