"""Linear, focused and rank-enhanced attention: identities, features and ranks."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

import attention_zoo
from tests.attention_zoo.cases import (
    DOUBLE,
    assert_close,
    copied,
    drawn,
    made,
    twin,
)


@pytest.mark.parametrize("size", [(1, 1), (3, 4), (16, 16)], ids=str)
def test_the_small_matrix_of_linear_attention_is_the_large_one(size):
    mixer = made("linear", dim=16, heads=2, dtype=DOUBLE)
    x = drawn(size, dim=16, dtype=DOUBLE)
    assert_close(mixer(x), twin("linear").naive(mixer, x), 1e-10)


def test_without_focus_and_convolution_it_is_linear_attention():
    """To 1e-5 where every feature is positive: the floor of 1e-6 is then a shift of that size.

    softplus(theta), one scale for all channels, cancels but for the normaliser's epsilon. Where
    all features of a query are dead they differ in kind: floored, it takes the mean of the values.
    """
    mixer = made("focused_linear", {"power": 1, "kernel": 0}, dtype=DOUBLE)
    with torch.no_grad():
        mixer.theta.zero_()
        mixer.query_key_value.bias.copy_(torch.full((36,), 5.0))
    x = drawn((9, 8), dtype=DOUBLE)
    q, k, _ = mixer.query_key_value(x).chunk(3, 1)
    assert min(q.min().item(), k.min().item()) > 0.1
    assert_close(mixer(x), copied(made("linear", dtype=DOUBLE), mixer)(x), 1e-5)


def test_without_focus_it_is_linear_attention_of_floored_features_exactly():
    mixer = made("focused_linear", {"power": 1, "kernel": 0}, dtype=DOUBLE)
    x = drawn((7, 13), dtype=DOUBLE)
    scale = F.softplus(mixer.theta)[:, None]
    q, k, v = mixer.query_key_value(x).flatten(2).chunk(3, 1)
    q, k = ((part.relu() + 1e-6) / scale for part in (q, k))
    q, k, v = (part.reshape(2, 3, 4, 91) for part in (q, k, v))
    weights = q.transpose(-2, -1) @ k
    weights = weights / (weights.sum(-1, keepdim=True) + 91 * 1e-6)
    mixed = (v @ weights.transpose(-2, -1)).reshape(2, 12, 7, 13)
    assert_close(mixer(x), mixer.project(mixed), 1e-10)


@pytest.mark.parametrize("power", [1, 2, 3, 8])
def test_focusing_keeps_lengths_and_turns_towards_the_largest_feature(power):
    mixer = made("focused_linear", {"power": power}, dtype=DOUBLE)
    with torch.no_grad():
        mixer.theta.fill_(math.log(math.e - 1))  # softplus of it is 1
    tokens = drawn((1, 50), dtype=DOUBLE)[:, :, 0]
    floored = tokens.relu() + 1e-6
    focused = mixer._focused(tokens)
    assert_close(focused.norm(dim=1), floored.norm(dim=1), 1e-12)
    assert torch.equal(focused.argmax(1), floored.argmax(1))
    if power == 1:
        assert_close(focused, floored, 1e-12)
    else:
        share = focused.amax(1) / focused.sum(1)
        assert (share >= floored.amax(1) / floored.sum(1) - 1e-12).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
@pytest.mark.parametrize("power", [1, 3, 9])
@pytest.mark.parametrize("value", [-1.0, 0.0, 1e-6, 6e4])
def test_a_token_without_a_positive_feature_is_focused_without_a_quotient_of_zeros(
    dtype, power, value
):
    mixer = made("focused_linear", {"power": power}).to(dtype)
    x = torch.full((1, 12, 3, 5), value, dtype=dtype)
    tokens = torch.full((1, 12, 15), value, dtype=dtype)
    assert mixer._focused(tokens.float()).isfinite().all()
    if value < 6e4:
        assert mixer(x).isfinite().all()


def test_new_positions_change_nothing():
    torch.manual_seed(0)
    mixer = attention_zoo.build("focused_linear", dim=12, num_heads=3, position=True).double()
    plain = copied(made("focused_linear", dtype=DOUBLE), mixer)
    x = drawn((5, 9), dtype=DOUBLE)
    assert torch.equal(mixer(x), plain(x))


def ranks(mixer, size):
    """Ranks of the linear part of the map of one head, and of all of it, convolution included."""
    n = size[0] * size[1]
    d = mixer.head_dim
    q, k, _ = mixer.query_key_value(drawn(size, batch=1, dim=mixer.dim, dtype=DOUBLE)).chunk(3, 1)
    q, k = (part.flatten(2)[0, :d].clamp(min=0) for part in (q, k))
    weights = q.T @ k
    weights = weights / (weights.sum(-1, keepdim=True) + 1e-6)
    local = mixer.local.weight[:1].to(DOUBLE)
    images = torch.eye(n, dtype=DOUBLE).reshape(n, 1, *size)
    convolved = F.conv2d(images, local, padding=local.shape[-1] // 2).reshape(n, n).T
    return [torch.linalg.matrix_rank(table).item() for table in (weights, weights + convolved)]


@pytest.mark.parametrize("name", ["rank_enhanced", "focused_linear"])
@pytest.mark.parametrize("size", [(6, 6), (7, 9)], ids=str)
def test_the_convolution_raises_the_rank_of_a_head_from_d_to_full(name, size):
    mixer = made(name, dtype=DOUBLE)
    low, full = ranks(mixer, size)
    assert low <= mixer.head_dim == 4
    assert full == size[0] * size[1]


def test_without_its_convolution_rank_enhanced_is_linear():
    mixer = made("rank_enhanced", dtype=DOUBLE)
    with torch.no_grad():
        mixer.local.weight.zero_()
        mixer.local.bias.zero_()
    x = drawn((7, 13), dtype=DOUBLE)
    assert_close(mixer(x), copied(made("linear", dtype=DOUBLE), mixer)(x), 1e-12)


def test_an_open_gate_of_a_half_halves():
    gated = made("rank_enhanced", {"channel_gate": True}, dtype=DOUBLE)
    with torch.no_grad():
        gated.gate.weight.zero_()
        gated.gate.bias.zero_()
        gated.project.bias.zero_()
    plain = copied(made("rank_enhanced", dtype=DOUBLE), gated)
    x = drawn((7, 13), dtype=DOUBLE)
    assert_close(gated(x), plain(x) / 2, 1e-12)
