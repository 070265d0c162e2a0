"""Folding the norms into the convolutions changes no output."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from attention_zoo.layers import ConvNorm, fold
from tests.attention_zoo.cases import (
    SIZES,
    assert_close,
    drawn,
    every_case,
    made,
    unsettled,
)


@every_case
def test_folding_changes_nothing(name, options):
    mixer = made(name, options)
    folded = fold(mixer)
    assert not any(isinstance(module, nn.BatchNorm2d) for module in folded.modules())
    for size in SIZES:
        x = drawn(size)
        assert_close(folded(x), mixer(x), 1e-5)


@every_case
def test_folding_leaves_the_original_alone(name, options):
    mixer = made(name, options).train()
    before = {key: value.clone() for key, value in mixer.state_dict().items()}
    fold(mixer)
    assert mixer.training
    assert mixer.state_dict().keys() == before.keys()
    assert all(torch.equal(value, before[key]) for key, value in mixer.state_dict().items())


@every_case
def test_a_folded_mixer_folds_again(name, options):
    folded = fold(made(name, options))
    x = drawn((7, 13))
    assert torch.equal(fold(folded)(x), folded(x))
    assert folded.macs(7, 13) == made(name, options).macs(7, 13)


@pytest.mark.parametrize("shape", [(3, 8, 1, 1, 1), (8, 8, 3, 1, 8), (8, 4, 5, 2, 2)], ids=str)
def test_a_conv_norm_folds_where_it_stands(shape):
    torch.manual_seed(0)
    block = nn.Sequential(unsettled(ConvNorm(*shape))).eval()
    x = drawn((9, 8), dim=shape[0])
    folded = fold(block)
    assert_close(folded(x), block(x), 1e-5)
    assert_close(folded[0][0](x), block(x), 1e-5)  # the convolution alone
    side = block(x).shape[-2:]
    assert block[0].macs(*side) == folded[0].macs(*side)
