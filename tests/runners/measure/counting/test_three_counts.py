"""Counted MACs equal the formula and torch's own count as integers; no operator is uncounted."""

from __future__ import annotations

from itertools import product

import pytest
import torch

import attention_zoo
import lolvit
from runners.measure.counting import count_macs
from tests.flops import counted

WIDTHS, SIDES = (16, 48, 96), (7, 14, 20)
RESOLUTIONS = (64, 160, 224)


def assert_counts_agree(module, channels, side):
    count = count_macs(module, channels, side, side)
    assert count.uncounted == ()
    x = torch.zeros(1, channels, side, side)
    assert count.total == module.macs(side, side) == counted(module.eval(), x), (channels, side)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=pytest.mark.slow if name == "bilstm" else ())
        for name in sorted(attention_zoo.entries())
    ],
)
def test_mixers_at_widths_and_sides(name):
    for width, side in product(WIDTHS, SIDES):
        assert_counts_agree(attention_zoo.build(name, dim=width, num_heads=4), width, side)


@pytest.mark.slow
@pytest.mark.parametrize("resolution", RESOLUTIONS)
@pytest.mark.parametrize("name", lolvit.VARIANTS)
def test_networks_at_resolutions(name, resolution):
    network = lolvit.build(lolvit.variant(name, resolution=resolution), seed=0)
    assert_counts_agree(network, 3, resolution)
