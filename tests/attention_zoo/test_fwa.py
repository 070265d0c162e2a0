"""What fast window aggregation is: which keys there are, what they hold, how they are weighted."""

from __future__ import annotations

import math

import pytest
import torch

import attention_zoo
from attention_zoo.layers.aggregation import KINDS, Windows, aggregation
from attention_zoo.layers.conv_norm import fold
from tests.attention_zoo.cases import assert_close, drawn, made, unsettled

KEYS = {7: 3, 8: 3, 14: 4, 16: 4, 20: 4, 28: 5, 32: 6, 40: 6, 56: 7, 64: 8, 80: 9, 160: 13}
AVERAGES = ("mean", "max", "weighted")
RULES = ("sqrt", 3, 7, 30, "global", "fixed:4")


@pytest.mark.parametrize(("side", "keys"), KEYS.items())
def test_keys_per_side(side, keys):
    assert Windows("sqrt").keys(side, side) == (keys, keys)
    assert Windows("sqrt").keys(side, 1) == (keys, 1)
    assert aggregation("mean", 4, Windows("sqrt"))(drawn((side, 5), dim=4)).shape[-2:] == (keys, 2)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_rule_says_how_many_keys_an_aggregation_makes(kind, rule):
    try:
        layer = aggregation(kind, 4, Windows(rule))
    except attention_zoo.MixerError:
        pytest.skip("refused; test_mixer_registry.py says which are")
    for size in ((1, 1), (2, 2), (1, 9), (7, 13), (20, 17)):
        assert layer(drawn(size, dim=4)).shape[-2:] == Windows(rule).keys(*size)


@pytest.mark.parametrize("size", [(1, 9), (7, 13), (20, 17)], ids=str)
@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("kind", AVERAGES)
def test_a_constant_map_aggregates_to_its_constant_up_to_the_border(kind, rule, size):
    if (kind, rule) == ("weighted", "fixed:4"):
        pytest.skip("refused")
    layer = unsettled(aggregation(kind, 4, Windows(rule))).double()
    constant = torch.tensor([-2.0, 0.5, 3.0, 7.0], dtype=torch.float64)[None, :, None, None]
    keys = layer(constant.expand(1, 4, *size))
    assert_close(keys, constant.expand_as(keys), 1e-12)


@pytest.mark.parametrize("kind", AVERAGES)
def test_pixels_may_move_within_their_window(kind):
    torch.manual_seed(0)
    layer = unsettled(aggregation(kind, 4, Windows("sqrt"))).double()
    x = drawn((14, 9), dim=4, dtype=torch.float64)
    moved = x.clone()
    high, wide = Windows("sqrt").sides(14, 9)
    assert (high, wide) == (4, 3)
    for top in range(0, 14, high):
        for left in range(0, 9, wide):
            window = x[:, :, top : top + high, left : left + wide]
            order = torch.randperm(window.shape[-2] * window.shape[-1])
            shuffled = window.flatten(2)[:, :, order].reshape(window.shape)
            moved[:, :, top : top + high, left : left + wide] = shuffled
    assert not torch.equal(x, moved)
    assert_close(layer(moved), layer(x), 1e-12)


@pytest.mark.parametrize("keys", [1, 4, 49])
@pytest.mark.parametrize("normalizer", ["relu_sum", "softmax"])
def test_rows_sum_to_one(normalizer, keys):
    mixer = made("fwa", {"normalizer": normalizer})
    # One score in each row is surely positive, so that relu_sum has something to divide.
    scores = drawn((keys, 50), batch=1, dim=3, dtype=torch.float64)[0]
    scores[:, 0] = scores[:, 0].abs() + 0.5
    assert_close(mixer._weights(scores).sum(1), torch.ones(3, 50, dtype=torch.float64), 1e-5)


@pytest.mark.parametrize("keys", [9, 16, 49, 196, 1024])
def test_relu_over_the_number_of_keys_carries_over_between_resolutions(keys):
    """E[relu(s)] = 1 / sqrt(2 pi) = 0.399 and its standard deviation is 0.584, whatever M."""
    mixer = made("fwa", dtype=torch.float64)
    scores = drawn((keys, 4000), batch=1, dim=1, seed=keys, dtype=torch.float64)[0]
    scaled = scores * mixer._scale(keys) * math.sqrt(mixer.head_dim)
    sums = mixer._weights(scaled).sum(1)
    spread = math.sqrt(0.5 - 0.5 / math.pi) / math.sqrt(keys)
    assert abs(sums.mean().item() - 1 / math.sqrt(2 * math.pi)) < 5 * spread / math.sqrt(4000)
    assert sums.std().item() == pytest.approx(spread, rel=0.1)


def test_unscaled_relu_drifts_with_the_number_of_keys():
    mixer = made("fwa", {"normalizer": "relu_unscaled"}, dtype=torch.float64)
    assert mixer._scale(9) == mixer._scale(1024)


@pytest.mark.parametrize("size", [(1, 1), (7, 13), (14, 14)], ids=str)
@pytest.mark.parametrize("folded", [False, True])
def test_global_softmax_is_plain_multi_head_attention(size, folded):
    fwa = made("fwa", {"window": "global", "normalizer": "softmax"}, dtype=torch.float64)
    plain = made("softmax", dtype=torch.float64)
    convolutions = fold(fwa)
    with torch.no_grad():
        for part in ("weight", "bias"):
            query, pair, project = (
                getattr(getattr(convolutions, name)[0], part)
                for name in ("query", "key_value", "project")
            )
            getattr(plain.query_key_value, part).copy_(torch.cat((query, pair)))
            getattr(plain.project, part).copy_(project)
    x = drawn(size, dtype=torch.float64)
    assert_close((convolutions if folded else fwa)(x), plain(x), 1e-10)


def test_a_window_of_one_pixel_is_no_aggregation():
    one = made("fwa", {"window": 1, "aggregate": "mean"}, dtype=torch.float64)
    every = made("fwa", {"window": "global"}, dtype=torch.float64)
    every.load_state_dict(one.state_dict())
    x = drawn((7, 13), dtype=torch.float64)
    assert_close(one(x), every(x), 1e-12)


def test_a_window_as_large_as_the_map_makes_one_key_and_a_flat_output():
    mixer = made("fwa", {"window": 20, "aggregate": "mean", "normalizer": "softmax"})
    y = mixer(drawn((7, 13)))
    assert_close(y, y[:, :, :1, :1].expand_as(y), 1e-5)
