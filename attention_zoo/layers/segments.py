"""Superpixels of a feature map: hard segments, their means, and back."""

from __future__ import annotations

import math

import torch
from torch import Tensor


def seed_grid(segments: int, height: int, width: int) -> tuple[int, int]:
    """Rows and columns of seeds: about square, at most `segments`, never more than pixels."""
    rows = min(height, math.isqrt(segments))
    columns = min(width, segments // rows)
    return min(height, segments // columns), columns


def segment(x: Tensor, grid: tuple[int, int], rounds: int, compactness: float) -> Tensor:
    """The segment of each pixel, (B, N): rounds of nearest mean in [feature, position] (SLIC).

    Distances are |f - f_k|^2 / C + compactness |p - p_k|^2, p in steps of the grid. The pixel in
    the middle of each cell of the grid stays with its own segment: none is ever empty, so that any
    batch stacks and no mixer needs a mask. No gradient flows through the choice.
    """
    b, c, h, w = x.shape
    wide = torch.promote_types(x.dtype, torch.float32)
    # In half precision too many pixels would be as near to one mean as to another.
    with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
        features = x.detach().to(wide).flatten(2) / math.sqrt(c)
        steps = features.new_tensor([grid[0] / h, grid[1] / w])[:, None]
        positions = pixel_positions(x, wide) * steps * math.sqrt(compactness)
        points = torch.cat((features, positions.expand(b, -1, -1)), 1)
        seeds = _seeds(grid, h, w, x.device)
        labels = _nearest(points, points[:, :, seeds], seeds)
        for _ in range(rounds - 1):
            labels = _nearest(points, pool(points, labels, len(seeds)), seeds)
    return labels


def _nearest(points: Tensor, means: Tensor, seeds: Tensor) -> Tensor:
    """The nearest mean of each point, and of each seed its own: (B, N)."""
    # -|p - m|^2 / 2 without |p|^2, which is the same for all means; means last, for the argmax.
    norms = means.square().sum(1)[:, None]
    nearness = torch.baddbmm(norms, points.transpose(1, 2), means, beta=-0.5)
    order = torch.arange(len(seeds), device=points.device)
    batch = len(points)
    return nearness.argmax(2).scatter(1, seeds.expand(batch, -1), order.expand(batch, -1))


def pool(x: Tensor, labels: Tensor, count: int) -> Tensor:
    """Means over the segments, in at least float32: (B, C, N) -> (B, C, K)."""
    x = x.to(torch.promote_types(x.dtype, torch.float32))
    index = labels[:, None]
    sums = x.new_zeros(*x.shape[:2], count).scatter_add(2, index.expand_as(x), x)
    ones = torch.ones_like(x[:, :1])
    return sums / x.new_zeros(x.shape[0], 1, count).scatter_add(2, index, ones)


def unpool(tokens: Tensor, labels: Tensor) -> Tensor:
    """Each pixel gets its segment's value: (B, C, K) -> (B, C, N)."""
    return tokens.gather(2, labels[:, None].expand(-1, tokens.shape[1], -1))


def pixel_positions(x: Tensor, dtype: torch.dtype) -> Tensor:
    """Row and column of every pixel: (1, 2, N)."""
    rows = torch.arange(x.shape[2], device=x.device)
    columns = torch.arange(x.shape[3], device=x.device)
    grid = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack(grid).flatten(1).to(dtype)[None]


def _seeds(grid: tuple[int, int], height: int, width: int, device: torch.device) -> Tensor:
    """The pixels in the middle of the cells of the grid, all distinct: (K,)."""
    rows = (2 * torch.arange(grid[0], device=device) + 1) * height // (2 * grid[0])
    columns = (2 * torch.arange(grid[1], device=device) + 1) * width // (2 * grid[1])
    return (rows[:, None] * width + columns).flatten()
