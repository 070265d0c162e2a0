"""Superpixels partition the map, follow edges, and leave the inner mixer as it is."""

from __future__ import annotations

import pytest
import torch

from attention_zoo.layers.segments import pool, seed_grid, segment, unpool
from tests.attention_zoo.cases import (
    DOUBLE,
    assert_close,
    drawn,
    made,
)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (7, 13), (20, 17)], ids=str)
@pytest.mark.parametrize("segments", [1, 5, 49])
def test_segments_partition_the_map(size, segments):
    x = drawn(size, dtype=DOUBLE)
    grid = seed_grid(segments, *size)
    k = grid[0] * grid[1]
    assert k <= segments
    labels = segment(x, grid, 5, 1.0)
    sizes = torch.stack([row.bincount(minlength=k) for row in labels])
    assert sizes.shape == (2, k)
    assert (sizes > 0).all()
    x = x.flatten(2)
    means = pool(x, labels, k)
    assert_close((sizes[:, None] * means).sum(2), x.sum(2), 1e-12)
    flat = unpool(means, labels)
    assert_close(unpool(pool(flat, labels, k), labels), flat, 1e-12)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (5, 20), (20, 5), (6, 6)], ids=str)
@pytest.mark.parametrize("inner", ["softmax", "fwa"])
@pytest.mark.parametrize("positions", [True, False])
def test_a_segment_for_each_pixel_is_the_inner_mixer(size, inner, positions):
    options = {"inner": inner, "segments": 100, "positions": positions}
    mixer = made("superpixel", options, dtype=DOUBLE)
    assert seed_grid(100, *size) == size
    x = drawn(size, dtype=DOUBLE)
    expected = x
    if positions:
        rows = torch.arange(size[0]).repeat_interleave(size[1]).double()
        columns = torch.arange(size[1]).repeat(size[0]).double()
        steps = 10000 ** -(torch.arange(3).double() / 3)
        waves = [
            wave(places * step)
            for places in (rows, columns)
            for wave in (torch.sin, torch.cos)
            for step in steps
        ]
        expected = x + torch.stack(waves).reshape(1, 12, *size)
    assert_close(mixer(x), mixer.inner(expected), 1e-10)


def test_segments_follow_an_edge():
    """Two flat halves: no segment crosses where features tell them apart."""
    x = torch.zeros(1, 4, 12, 12)
    x[..., 5:] = 10
    labels = segment(x, seed_grid(9, 12, 12), 5, 1.0).reshape(12, 12)
    assert not set(labels[:, :5].unique().tolist()) & set(labels[:, 5:].unique().tolist())
