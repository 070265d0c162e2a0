"""Windows, shifted windows, planes and hilo: what a pixel sees, and when they are softmax."""

from __future__ import annotations

import pytest
import torch

import attention_zoo
from tests.attention_zoo.cases import (
    DOUBLE,
    assert_close,
    copied,
    drawn,
    made,
    seen_from,
)


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (7, 4), (7, 7)], ids=str)
def test_a_window_that_holds_the_map_is_dense_softmax_with_a_bias(size):
    window = made("window", {"window": 7}, dtype=DOUBLE)
    table = window.bias_table
    rows = torch.arange(size[0]).repeat_interleave(size[1])
    columns = torch.arange(size[1]).repeat(size[0])
    bias = table[:, rows[:, None] - rows + 6, columns[:, None] - columns + 6]
    x = drawn(size, dtype=DOUBLE)
    n = size[0] * size[1]
    q, k, v = window.query_key_value(x).reshape(2, 3, 3, 4, n).transpose(-2, -1).unbind(1)
    mixed = (q @ k.transpose(-2, -1) / 2 + bias).softmax(-1) @ v
    expected = window.project(mixed.transpose(-2, -1).reshape(2, 12, *size))
    assert_close(window(x), expected, 1e-10)


@pytest.mark.parametrize("size", [(2, 7), (7, 7)], ids=str)
def test_a_window_without_bias_that_holds_the_map_is_softmax(size):
    window = made("window", {"window": 9}, dtype=DOUBLE)
    plain = made("softmax", dtype=DOUBLE)
    with torch.no_grad():
        window.bias_table.zero_()
    state = window.state_dict()
    state.pop("bias_table")
    plain.load_state_dict(state)
    x = drawn(size, dtype=DOUBLE)
    assert_close(window(x), plain(x), 1e-10)


def test_pixels_see_their_own_window_only():
    window = made("window", {"window": 4}, dtype=DOUBLE)
    x = drawn((7, 9), dtype=DOUBLE)
    other = x.clone()
    other[:, :, 4:, :4] += 1
    changed = (window(x) - window(other)).abs().amax((0, 1)) > 1e-9
    expected = torch.zeros(7, 9, dtype=torch.bool)
    expected[4:, :4] = True
    assert torch.equal(changed, expected)


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
