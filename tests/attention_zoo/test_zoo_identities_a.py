"""What the further mixers are: ways in which one is another, what each sees, ranks and counts."""

from __future__ import annotations

import math

import pytest
import torch
import torch.nn.functional as F

import attention_zoo
from attention_zoo import MixerError
from tests.attention_zoo.cases import assert_close, drawn, made

DOUBLE = torch.float64


def copied(target, source, **parts):
    """Load target's parameters from those of source; `parts` name those that must be worked out."""
    state = {key: value for key, value in source.state_dict().items() if key in target.state_dict()}
    target.load_state_dict({**state, **parts})
    return target


def seen_from(mixer, size, pixel):
    """Where the output changes with one pixel of the input."""
    x = drawn(size, dtype=DOUBLE)
    other = x.clone()
    other[:, :, pixel[0], pixel[1]] += 1
    return (mixer(x) - mixer(other)).abs().amax((0, 1)) > 1e-9


# softmax with a relative bias


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


# windows, shifted windows, planes


@pytest.mark.parametrize("size", [(3, 4), (7, 7), (4, 7)], ids=str)
def test_a_shifted_window_that_holds_the_map_does_not_shift(size):
    shifted = made("shifted_window", dtype=DOUBLE)
    plain = copied(made("window", dtype=DOUBLE), shifted)
    x = drawn(size, dtype=DOUBLE)
    assert torch.equal(shifted(x), plain(x))


def test_a_window_of_one_pixel_has_nothing_to_shift():
    shifted = made("shifted_window", {"window": 1}, dtype=DOUBLE)
    plain = copied(made("window", {"window": 1}, dtype=DOUBLE), shifted)
    x = drawn((5, 6), dtype=DOUBLE)
    assert torch.equal(shifted(x), plain(x))


@pytest.mark.parametrize("window", [2, 3, 4, 7])
def test_shifted_windows_are_plain_windows_of_the_map_moved_by_half_a_window(window):
    """Away from the border, where both have whole windows."""
    shifted = made("shifted_window", {"window": window}, dtype=DOUBLE)
    plain = copied(made("window", {"window": window}, dtype=DOUBLE), shifted)
    x = drawn((3 * window, 3 * window), dtype=DOUBLE)
    s = window // 2
    inner = slice(s, s + 2 * window)
    assert_close(shifted(x)[:, :, inner, inner], plain(x[:, :, inner, inner]), 1e-12)


@pytest.mark.parametrize(
    ("pixel", "rows", "columns"),
    [
        ((0, 0), slice(0, 2), slice(0, 2)),
        ((3, 6), slice(2, 6), slice(6, 10)),
        ((8, 9), slice(6, 9), slice(6, 10)),
    ],
    ids=str,
)
def test_a_pixel_sees_no_further_than_the_cut_window(pixel, rows, columns):
    """Windows of 4 moved by 2, cut at the border and never joined across it; 9 x 10 is padded."""
    mixer = made("shifted_window", {"window": 4}, dtype=DOUBLE)
    expected = torch.zeros(9, 10, dtype=torch.bool)
    expected[rows, columns] = True
    assert torch.equal(seen_from(mixer, (9, 10), pixel), expected)


@pytest.mark.parametrize("axis", ["row", "col"])
def test_a_plane_is_softmax_attention_line_by_line(axis):
    mixer = made("plane", {"axis": axis}, dtype=DOUBLE)
    plain = copied(made("softmax", dtype=DOUBLE), mixer)
    x = drawn((5, 7), dtype=DOUBLE)
    dim = 2 if axis == "row" else 3
    lines = torch.cat([plain(line) for line in x.split(1, dim)], dim)
    assert_close(mixer(x), lines, 1e-12)


def test_columns_are_the_rows_of_the_transposed_map():
    rows = made("plane", dtype=DOUBLE)
    columns = copied(made("plane", {"axis": "col"}, dtype=DOUBLE), rows)
    both = copied(made("plane", {"axis": "both"}, dtype=DOUBLE), rows)
    x = drawn((5, 7), dtype=DOUBLE)
    assert_close(columns(x), rows(x.mT).mT, 1e-12)
    assert_close(both(x), (rows(x) + columns(x)) / 2, 1e-12)


@pytest.mark.parametrize(("axis", "cross"), [("row", "r"), ("col", "c"), ("both", "rc")])
def test_a_pixel_of_a_plane_sees_its_lines(axis, cross):
    expected = torch.zeros(5, 7, dtype=torch.bool)
    if "r" in cross:
        expected[1] = True
    if "c" in cross:
        expected[:, 4] = True
    mixer = made("plane", {"axis": axis}, dtype=DOUBLE)
    assert torch.equal(seen_from(mixer, (5, 7), (1, 4)), expected)


# hilo


def hilo_as_softmax(mixer):
    """Plain softmax with the projections of a hilo whose heads are all of one kind."""
    kind = "high" if mixer.high_heads else "low"
    convolutions = dict(mixer.named_children())
    plain = made("softmax", dtype=DOUBLE)
    names = ["high_query_key_value"] if kind == "high" else ["low_query", "low_key_value"]
    with torch.no_grad():
        for part in ("weight", "bias"):
            joint = torch.cat([getattr(convolutions[name], part) for name in names])
            getattr(plain.query_key_value, part).copy_(joint)
            getattr(plain.project, part).copy_(getattr(convolutions[f"{kind}_project"], part))
    return plain


@pytest.mark.parametrize("alpha", [0, 0.5, 1])
@pytest.mark.parametrize("size", [(1, 1), (7, 13)], ids=str)
def test_hilo_with_windows_of_one_pixel_is_softmax(size, alpha):
    mixer = made("hilo", {"window": 1, "alpha": alpha}, dtype=DOUBLE)
    x = drawn(size, dtype=DOUBLE)
    assert_close(mixer(x), hilo_as_softmax(mixer)(x), 1e-12)


@pytest.mark.parametrize("window", [2, 3, 30])
def test_hilo_without_low_heads_is_windows_without_bias(window):
    mixer = made("hilo", {"window": window, "alpha": 0}, dtype=DOUBLE)
    windows = made("window", {"window": window}, dtype=DOUBLE)
    state = hilo_as_softmax(mixer).state_dict()
    windows.load_state_dict({**state, "bias_table": torch.zeros_like(windows.bias_table)})
    x = drawn((7, 13), dtype=DOUBLE)
    assert_close(mixer(x), windows(x), 1e-12)


@pytest.mark.parametrize(
    ("heads", "alpha", "low"),
    [(12, 0.5, 6), (3, 0.5, 1), (4, 0.1, 1), (4, 0.99, 3), (4, 1, 4), (4, 0, 0), (1, 0.5, 0)],
)
def test_heads_of_low_frequency(heads, alpha, low):
    mixer = attention_zoo.build("hilo", dim=12 * heads, num_heads=heads, alpha=alpha)
    assert (mixer.low_heads, mixer.high_heads) == (low, heads - low)


def test_means_of_low_frequency_are_those_of_real_pixels():
    """A constant map has one key, padded or not: every Lo-Fi output is W_o v of the constant."""
    mixer = made("hilo", {"alpha": 1, "window": 4}, dtype=DOUBLE)
    x = drawn((1, 1), dtype=DOUBLE)
    assert_close(mixer(x.expand(-1, -1, 5, 7)), mixer(x).expand(-1, -1, 5, 7), 1e-12)


# spatial reduction


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


# mobilevit_v2


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


# linear attention: focused and rank-enhanced


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
    weights = weights / (weights.sum(-1, keepdim=True) + 1e-6)
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


# latents


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


# counts of the design document

N, C, D = 14 * 14, 64, 16
MACS = [
    ("softmax", {"relative_bias": True}, 4 * N * C**2 + 2 * N**2 * C),
    ("mobilevit_v2", {}, N * (3 * C**2 + 2 * C)),
    ("spatial_reduction", {}, 2 * N * C**2 + 49 * (4 * C**2 + 2 * C**2) + 2 * N * 49 * C),
    ("spatial_reduction", {"ratio": 1}, 4 * N * C**2 + 2 * N**2 * C),
    ("shifted_window", {}, 4 * N * C**2 + 2 * N * 49 * C),
    ("focused_linear", {}, N * (4 * C**2 + 2 * C * D + 25 * C)),
    ("focused_linear", {"kernel": 0}, N * (4 * C**2 + 2 * C * D)),
    ("latent", {}, 4 * N * C**2 + 4 * N * 16 * C),
    ("local_latent", {}, N * (4 * C**2 + 2 * C * D + 2 * 7 * C)),
    ("rank_enhanced", {}, N * (4 * C**2 + 2 * C * D + 25 * C)),
    ("plane", {}, N * (4 * C**2 + 2 * 14 * C)),
    ("plane", {"axis": "both"}, N * (4 * C**2 + 2 * (14 + 14) * C)),
]


@pytest.mark.parametrize(("name", "options", "macs"), MACS, ids=str)
def test_macs_of_the_design(name, options, macs):
    assert attention_zoo.build(name, dim=C, num_heads=4, **options).macs(14, 14) == macs


def test_macs_of_the_published_sizes():
    latent = attention_zoo.build("latent", dim=64, num_heads=4, latents=16)
    assert latent.macs(32, 32) == 20_971_520
    assert attention_zoo.build("hilo", dim=384, num_heads=12).macs(14, 14) == 83_467_776


PARAMS = [
    ("latent", {}, 17_664),
    *(("local_latent", {"window": window}, 16_912) for window in (1, 7, 31)),
    ("softmax", {"relative_bias": True}, 4 * C**2 + 4 * C + 4 * 27**2),
    ("mobilevit_v2", {}, 3 * C**2 + 3 * C + C + 1),
    ("spatial_reduction", {}, 4 * C**2 + 4 * C + 4 * C**2 + C + 2 * C),
    ("shifted_window", {}, 4 * C**2 + 4 * C + 4 * 13**2),
    ("focused_linear", {}, 4 * C**2 + 5 * C + 26 * D),
    ("focused_linear", {"position": True}, 4 * C**2 + 5 * C + 26 * D + 14 * 14 * C),
    ("rank_enhanced", {}, 4 * C**2 + 4 * C + 26 * C),
    ("rank_enhanced", {"channel_gate": True}, 5 * C**2 + 5 * C + 26 * C),
    ("plane", {}, 4 * C**2 + 4 * C),
]


@pytest.mark.parametrize(("name", "options", "params"), PARAMS, ids=str)
def test_parameters_of_the_design(name, options, params):
    mixer = attention_zoo.build(name, dim=C, num_heads=4, **options)
    assert sum(parameter.numel() for parameter in mixer.parameters()) == params


# refusals

WHOLE = (0, -1, 3.0, "7", None, True)
FLAGS = (1, 0, "yes", None)
REFUSED = [
    *(("softmax", "relative_bias", value) for value in FLAGS),
    *(("spatial_reduction", "ratio", value) for value in WHOLE),
    *(("shifted_window", "window", value) for value in WHOLE),
    *(("focused_linear", "power", value) for value in WHOLE),
    *(("focused_linear", "kernel", value) for value in (-1, 2, 4, 5.0, "5", None, False, 0.0)),
    *(("focused_linear", "position", value) for value in FLAGS),
    *(("hilo", "alpha", value) for value in (-0.1, 1.1, "0.5", None, True, math.nan)),
    *(("hilo", "window", value) for value in WHOLE),
    *(("latent", "latents", value) for value in WHOLE),
    *(("latent", "local", value) for value in FLAGS),
    *(("local_latent", "window", value) for value in (*WHOLE, 2, 6)),
    *(("rank_enhanced", "kernel", value) for value in (*WHOLE, 2, 6)),
    *(("rank_enhanced", "channel_gate", value) for value in FLAGS),
    *(("plane", "axis", value) for value in ("rows", "", 1, ["row"])),
]


@pytest.mark.parametrize(("name", "option", "value"), REFUSED, ids=str)
def test_values_out_of_range_are_refused_in_one_line(name, option, value):
    with pytest.raises(MixerError) as caught:
        attention_zoo.build(name, dim=8, **{option: value})
    message = str(caught.value)
    assert message.startswith(f"{option} must be ")
    assert repr(value) in message
    assert "\n" not in message
