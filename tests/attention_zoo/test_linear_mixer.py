"""The linear mixer: cost per pixel, and the taps of its focal branch."""

from __future__ import annotations

import torch
from torch import nn

import attention_zoo
from attention_zoo.layers.focal_axis import TAPS, FocalAxis
from tests.attention_zoo.cases import (
    assert_close,
)


def test_the_linear_mixer_is_linear_in_pixels():
    mixer = attention_zoo.build("linear_mixer", dim=32)
    per_pixel = {mixer.macs(side, side) / side**2 for side in (9, 20, 64, 128)}
    assert len(per_pixel) == 1
    assert mixer.macs(64, 1) < mixer.macs(8, 8)  # fewer taps along a short side


def test_taps_cover_eleven_pixels_a_side_once():
    covered = [first + step for _, first, length in TAPS for step in range(length)]
    assert sorted(covered) == list(range(-11, 12))
    assert len(TAPS) == 13


def test_taps_of_a_constant_map_are_the_constant():
    """Also at the borders, where a segment is partly or wholly off the map."""
    axis = FocalAxis(4, 2, 3, axis=-1)
    nn.init.zeros_(axis.weigh.weight)
    nn.init.zeros_(axis.weigh.bias)
    with torch.no_grad():  # only the first tap after the pixel, with weight tanh(1)
        axis.weigh.bias[2:4] = 1
        y = axis(torch.full((1, 4, 3, 20), 5.0))
    assert_close(y[..., :-1], torch.full((1, 4, 3, 19), 5.0).mul(torch.tanh(torch.ones(()))), 1e-6)
    assert (y[..., -1] == 0).all()
