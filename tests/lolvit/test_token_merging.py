"""Deformable token merging against the sum it is, and as LOLViT's way of downsampling."""

from __future__ import annotations

from math import floor

import pytest
import torch
import torch.nn.functional as F

import lolvit
from lolvit import MixerConfig
from lolvit.token_merging import DeformableTokenMerging
from runners.measure.counting import count_macs
from tests.flops import counted


def read(plane, y, x):
    """Bilinear between the four pixels around, 0 beyond the edge."""
    total = torch.zeros((), dtype=plane.dtype)
    for row in (floor(y), floor(y) + 1):
        for column in (floor(x), floor(x) + 1):
            if 0 <= row < plane.shape[0] and 0 <= column < plane.shape[1]:
                share = (1 - abs(y - row)) * (1 - abs(x - column))
                total = total + share * plane[row, column]
    return total


def naive(merging, x):
    b, c, h, w = x.shape
    rows, columns = -(-h // 2), -(-w // 2)
    offset = merging.offset(F.pad(x, (0, w % 2, 0, h % 2)))
    weight = merging.merge[0].weight.reshape(c, 4, c)
    merged = torch.zeros(b, c, rows, columns, dtype=x.dtype)
    for image in range(b):
        for i in range(rows):
            for j in range(columns):
                for tap in range(4):
                    y = 2 * i + tap // 2 + offset[image, 2 * tap, i, j].item()
                    z = 2 * j + tap % 2 + offset[image, 2 * tap + 1, i, j].item()
                    seen = torch.stack([read(plane, y, z) for plane in x[image]])
                    merged[image, :, i, j] += weight[:, tap] @ seen
    return F.gelu(merging.merge[1](merged))


def made(moved):
    torch.manual_seed(0)
    merging = DeformableTokenMerging(3).double().eval()
    if moved:
        torch.nn.init.normal_(merging.offset.weight, std=0.5)
        torch.nn.init.normal_(merging.offset.bias, std=0.5)
    torch.nn.init.normal_(merging.merge[1].running_mean)
    return merging


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (2, 2), (5, 4), (7, 6)], ids=str)
@pytest.mark.parametrize("moved", [False, True])
def test_it_is_the_sum_of_its_taps(size, moved):
    merging, x = made(moved), torch.randn(2, 3, *size, dtype=torch.float64)
    torch.testing.assert_close(merging(x), naive(merging, x), rtol=0, atol=1e-9)


def test_without_offsets_it_is_a_convolution():
    merging, x = made(False), torch.randn(2, 3, 6, 8, dtype=torch.float64)
    kernel = merging.merge[0].weight.reshape(3, 2, 2, 3).permute(0, 3, 1, 2)
    plain = F.gelu(merging.merge[1](F.conv2d(x, kernel, stride=2)))
    torch.testing.assert_close(merging(x), plain, rtol=0, atol=1e-12)


@pytest.mark.parametrize("resolution", [28, 31, 64])
def test_lolvit_downsamples_by_it(resolution):
    config = lolvit.variant(
        "lolvit_nano", resolution=resolution, downsampling="deformable", num_classes=10
    )
    network = lolvit.build(config, seed=0).eval()
    merging = [m for m in network.modules() if isinstance(m, DeformableTokenMerging)]
    assert len(merging) == sum(stride == 2 for stride in config.strides[1:])
    assert not any(m.offset.weight.any() for m in merging)
    x = torch.randn(2, 3, resolution, resolution)
    claimed = network.macs(resolution, resolution)
    assert (
        claimed == counted(network, x[:1]) == count_macs(network, 3, resolution, resolution).total
    )
    network.train()(x).sum().backward()
    assert all(m.offset.weight.grad.abs().sum() > 0 for m in merging)


def test_the_axis_of_plane_attention_turns_from_block_to_block():
    config = lolvit.variant("lolvit_xs", mixers=(MixerConfig("plane"),) * 3)
    axes = [m.axis for m in lolvit.build(config).modules() if hasattr(m, "axis")]
    assert axes == ["row", "col", "row", "col", "row"]
    asked = lolvit.variant("lolvit_xs", mixers=(MixerConfig("plane", (("axis", "col"),)),) * 3)
    assert {m.axis for m in lolvit.build(asked).modules() if hasattr(m, "axis")} == {"col"}
