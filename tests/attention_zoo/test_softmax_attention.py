"""Softmax over all positions, reduced keys, patches and latents: identities and symmetries."""

from __future__ import annotations

import pytest
import torch

from tests.attention_zoo.cases import (
    DOUBLE,
    assert_close,
    copied,
    drawn,
    made,
    seen_from,
)


def test_a_zero_bias_is_no_bias():
    biased = made("softmax", {"relative_bias": True}, dtype=DOUBLE)
    with torch.no_grad():
        biased.bias_table.zero_()
    x = drawn((5, 9), dtype=DOUBLE)
    assert_close(biased(x), copied(made("softmax", dtype=DOUBLE), biased)(x), 1e-12)


@pytest.mark.parametrize("size", [(14, 14), (14, 3)], ids=str)
def test_bias_is_read_as_it_stands_where_the_map_has_the_base_size(size):
    mixer = made("softmax", {"relative_bias": True}, dtype=DOUBLE)
    n = size[0] * size[1]
    bias = mixer._bias(mixer.bias_table, *size)[0]
    first, last, below = bias[:, 0, 0], bias[:, n - 1, n - 1], bias[:, size[1], 0]
    table = mixer.bias_table
    assert torch.equal(first, last)
    if size == (14, 14):
        assert torch.equal(first, table[:, 13, 13])
        assert torch.equal(below, table[:, 14, 13])
        assert torch.equal(bias[:, 0, n - 1], table[:, 0, 0])
    else:  # rows as they stand; columns resized about the centre, which stays
        assert_close(first, table[:, 13, 13], 1e-12)
        assert_close(below, table[:, 14, 13], 1e-12)


@pytest.mark.parametrize("size", [(1, 1), (2, 7), (20, 3), (28, 28)], ids=str)
def test_offset_zero_keeps_its_bias_at_every_size(size):
    mixer = made("softmax", {"relative_bias": True}, dtype=DOUBLE)
    bias = mixer._bias(mixer.bias_table, *size)[0]
    own = mixer.bias_table[:, 13, 13]
    assert_close(bias.diagonal(dim1=1, dim2=2), own[:, None].expand(-1, size[0] * size[1]), 1e-12)


@pytest.mark.parametrize("name", ["softmax", "linear"])
def test_dense_attention_follows_a_permutation_of_its_pixels(name):
    mixer = made(name, dtype=DOUBLE)
    x = drawn((4, 6), dtype=DOUBLE)
    order = torch.randperm(24, generator=torch.Generator().manual_seed(0))
    moved = x.flatten(2)[:, :, order].reshape(x.shape)
    expected = mixer(x).flatten(2)[:, :, order].reshape(x.shape)
    assert_close(mixer(moved), expected, 1e-10)


@pytest.mark.parametrize("pool", [1, 7])
def test_pooled_averages_to_the_same_keys_at_any_multiple(pool):
    mixer = made("pooled", {"pool": pool}, dtype=DOUBLE)
    x = drawn((7, 14), dtype=DOUBLE)
    enlarged = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
    assert_close(mixer(enlarged)[:, :, ::2, ::2], mixer(x), 1e-10)


@pytest.mark.parametrize("size", [(1, 1), (7, 13)], ids=str)
def test_a_ratio_of_one_is_softmax(size):
    mixer = made("spatial_reduction", {"ratio": 1}, dtype=DOUBLE)
    plain = made("softmax", dtype=DOUBLE)
    joint = {
        "query_key_value.weight": torch.cat(
            (mixer.query.weight, mixer.key_value.weight[..., None, None])
        ),
        "query_key_value.bias": torch.cat((mixer.query.bias, mixer.key_value.bias)),
    }
    x = drawn(size, dtype=DOUBLE)
    assert_close(mixer(x), copied(plain, mixer, **joint)(x), 1e-12)


def test_a_ratio_as_large_as_the_map_makes_one_key_and_a_flat_output():
    mixer = made("spatial_reduction", {"ratio": 13}, dtype=DOUBLE)
    y = mixer(drawn((7, 13), dtype=DOUBLE))
    assert_close(y, y[:, :, :1, :1].expand_as(y), 1e-12)


def test_mobilevit_groups_do_not_see_each_other():
    mixer = made("mobilevit", dtype=DOUBLE)
    x = drawn((6, 8), dtype=DOUBLE)
    other = x.clone()
    other[:, :, 1::2, 0::2] += 1
    changed = (mixer(x) - mixer(other)).abs().amax((0, 1)) > 1e-9
    expected = torch.zeros(6, 8, dtype=torch.bool)
    expected[1::2, 0::2] = True
    assert torch.equal(changed, expected)


def test_a_context_is_shared_by_the_pixels_of_one_place():
    """One pixel moves the outputs of its place through the context, and no other."""
    mixer = made("mobilevit_v2", dtype=DOUBLE)
    expected = torch.zeros(6, 8, dtype=torch.bool)
    expected[1::2, 0::2] = True
    assert torch.equal(seen_from(mixer, (6, 8), (3, 2)), expected)


def test_mobilevit_v2_has_one_score_whatever_the_heads():
    one, three = made("mobilevit_v2", heads=1), made("mobilevit_v2", heads=3)
    x = drawn((6, 8))
    assert torch.equal(one(x), three(x))


def test_latents_follow_a_permutation_of_the_pixels():
    mixer = made("latent", dtype=DOUBLE)
    x = drawn((4, 6), dtype=DOUBLE)
    order = torch.randperm(24, generator=torch.Generator().manual_seed(0))
    moved = x.flatten(2)[:, :, order].reshape(x.shape)
    expected = mixer(x).flatten(2)[:, :, order].reshape(x.shape)
    assert_close(mixer(moved), expected, 1e-12)


def test_the_order_of_the_latents_means_nothing():
    mixer = made("latent", {"latents": 6}, dtype=DOUBLE)
    x = drawn((7, 13), dtype=DOUBLE)
    expected = mixer(x)
    with torch.no_grad():
        mixer.latents.copy_(mixer.latents[torch.tensor([3, 0, 5, 1, 4, 2])])
    assert_close(mixer(x), expected, 1e-12)


def test_one_latent_says_the_same_to_every_pixel():
    y = made("latent", {"latents": 1}, dtype=DOUBLE)(drawn((7, 13), dtype=DOUBLE))
    assert_close(y, y[:, :, :1, :1].expand_as(y), 1e-12)


def test_a_token_sees_half_a_window_to_each_side_across_rows_but_not_around_the_map():
    mixer = made("local_latent", {"window": 5}, dtype=DOUBLE)
    for pixel in ((0, 0), (1, 0), (3, 3)):
        place = pixel[0] * 4 + pixel[1]
        expected = torch.zeros(16, dtype=torch.bool)
        expected[max(0, place - 2) : place + 3] = True
        assert torch.equal(seen_from(mixer, (4, 4), pixel).flatten(), expected)


def test_a_window_beyond_all_tokens_is_softmax():
    mixer = made("local_latent", {"window": 71}, dtype=DOUBLE)
    with torch.no_grad():
        mixer.shared.weight.copy_(torch.eye(4)[:, :, None, None])
        mixer.shared.bias.zero_()
    parts = {
        f"query_key_value.{part}": torch.cat(
            (getattr(mixer.query, part), getattr(mixer.key_value, part))
        )
        for part in ("weight", "bias")
    }
    x = drawn((5, 7), dtype=DOUBLE)
    assert_close(mixer(x), copied(made("softmax", dtype=DOUBLE), mixer, **parts)(x), 1e-12)
