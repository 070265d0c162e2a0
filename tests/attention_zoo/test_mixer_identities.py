"""Ways in which one mixer is another, and what folding and permuting may not change."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from attention_zoo.layers.conv_norm import ConvNorm, fold
from tests.attention_zoo.cases import SIZES, assert_close, drawn, every_case, made, twin, unsettled


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


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (7, 4), (7, 7)], ids=str)
def test_a_window_that_holds_the_map_is_dense_softmax_with_a_bias(size):
    window = made("window", {"window": 7}, dtype=torch.float64)
    table = window.bias_table
    rows = torch.arange(size[0]).repeat_interleave(size[1])
    columns = torch.arange(size[1]).repeat(size[0])
    bias = table[:, rows[:, None] - rows + 6, columns[:, None] - columns + 6]
    x = drawn(size, dtype=torch.float64)
    n = size[0] * size[1]
    q, k, v = window.query_key_value(x).reshape(2, 3, 3, 4, n).transpose(-2, -1).unbind(1)
    mixed = (q @ k.transpose(-2, -1) / 2 + bias).softmax(-1) @ v
    expected = window.project(mixed.transpose(-2, -1).reshape(2, 12, *size))
    assert_close(window(x), expected, 1e-10)


@pytest.mark.parametrize("size", [(2, 7), (7, 7)], ids=str)
def test_a_window_without_bias_that_holds_the_map_is_softmax(size):
    window = made("window", {"window": 9}, dtype=torch.float64)
    plain = made("softmax", dtype=torch.float64)
    with torch.no_grad():
        window.bias_table.zero_()
    state = window.state_dict()
    state.pop("bias_table")
    plain.load_state_dict(state)
    x = drawn(size, dtype=torch.float64)
    assert_close(window(x), plain(x), 1e-10)


def test_pixels_see_their_own_window_only():
    window = made("window", {"window": 4}, dtype=torch.float64)
    x = drawn((7, 9), dtype=torch.float64)
    other = x.clone()
    other[:, :, 4:, :4] += 1
    changed = (window(x) - window(other)).abs().amax((0, 1)) > 1e-9
    expected = torch.zeros(7, 9, dtype=torch.bool)
    expected[4:, :4] = True
    assert torch.equal(changed, expected)


def test_mobilevit_groups_do_not_see_each_other():
    mixer = made("mobilevit", dtype=torch.float64)
    x = drawn((6, 8), dtype=torch.float64)
    other = x.clone()
    other[:, :, 1::2, 0::2] += 1
    changed = (mixer(x) - mixer(other)).abs().amax((0, 1)) > 1e-9
    expected = torch.zeros(6, 8, dtype=torch.bool)
    expected[1::2, 0::2] = True
    assert torch.equal(changed, expected)


@pytest.mark.parametrize("size", [(1, 1), (3, 4), (16, 16)], ids=str)
def test_the_small_matrix_of_linear_attention_is_the_large_one(size):
    mixer = made("linear", dim=16, heads=2, dtype=torch.float64)
    x = drawn(size, dim=16, dtype=torch.float64)
    assert_close(mixer(x), twin("linear").naive(mixer, x), 1e-10)


@pytest.mark.parametrize("name", ["softmax", "linear"])
def test_dense_attention_follows_a_permutation_of_its_pixels(name):
    mixer = made(name, dtype=torch.float64)
    x = drawn((4, 6), dtype=torch.float64)
    order = torch.randperm(24, generator=torch.Generator().manual_seed(0))
    moved = x.flatten(2)[:, :, order].reshape(x.shape)
    expected = mixer(x).flatten(2)[:, :, order].reshape(x.shape)
    assert_close(mixer(moved), expected, 1e-10)


@pytest.mark.parametrize("pool", [1, 7])
def test_pooled_averages_to_the_same_keys_at_any_multiple(pool):
    mixer = made("pooled", {"pool": pool}, dtype=torch.float64)
    x = drawn((7, 14), dtype=torch.float64)
    enlarged = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert_close(mixer(enlarged)[:, :, ::2, ::2], mixer(x), 1e-10)
