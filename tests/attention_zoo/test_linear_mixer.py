"""The linear mixer: cost per pixel, and the taps of its focal branch."""

from __future__ import annotations

import torch
from torch import nn

import attention_zoo
from attention_zoo.layers.focal_axis import REACH, TAPS, FocalAxis
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


def test_taps_of_a_constant_map_see_zeros_beyond_the_border():
    axis = FocalAxis(4, 2, 3, axis=-1)
    nn.init.zeros_(axis.weigh.weight)
    nn.init.zeros_(axis.weigh.bias)
    first = next(k for k, (distance, start, length) in enumerate(TAPS) if (start, length) == (4, 2))
    with torch.no_grad():  # only the tap on the two pixels at distances 4 and 5, with tanh(1)
        axis.weigh.bias[2 * first : 2 * first + 2] = 1
        y = axis(torch.full((1, 4, 3, 20), 5.0)) / torch.tanh(torch.ones(()))
    assert_close(y[..., :15], torch.full((1, 4, 3, 15), 5.0), 1e-6)
    assert_close(y[..., 15], torch.full((1, 4, 3), 2.5), 1e-6)
    assert (y[..., 16:] == 0).all()


def test_tap_weights_see_as_far_as_the_taps():
    mixer = attention_zoo.build("linear_mixer", dim=8)
    assert mixer.along_rows.local.kernel_size == (1, 2 * REACH + 1) == (1, 23)
