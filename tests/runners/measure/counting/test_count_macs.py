"""Counted MACs are exact: by hand, by torch's own counter, and by the formulas of networks."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import attention_zoo
import lolvit
from runners.measure.counting import count_macs
from tests import flops
from tests.runners.measure.counting.sample_networks import IMAGE, Attention, Calls, macs_of, ones


def macs_by_torch(network, *size):
    """FlopCounterMode / 2, with attention and LSTMs decomposed and addcmul counted."""
    return flops.counted(network.eval(), torch.zeros(1, *size))


def test_fused_attention_is_counted():
    counted = count_macs(Attention(), 64, 14, 14)
    tokens, channels = 14 * 14, 64
    projections = 4 * tokens * channels**2
    products = 2 * tokens**2 * channels
    assert counted.total == projections + products == 8_128_512
    assert counted.by_operator["scaled_dot_product_attention"] == products
    assert counted.total == macs_by_torch(Attention(), 64, 14, 14)


# With the MACs derived by hand; x is (1, 3, 8, 8).
BY_HAND = {
    "linear": (lambda x: F.linear(x, ones(5, 8), ones(5)), 3 * 8 * 8 * 5),
    "linear of a vector": (lambda x: F.linear(x[0, 0, 0], ones(5, 8)), 8 * 5),
    "linear to one number": (lambda x: F.linear(x, ones(8)), 3 * 8 * 8),
    "mm": (lambda x: x[0, 0].mm(ones(8, 5)), 8 * 8 * 5),
    "bmm": (lambda x: x[0].bmm(ones(3, 8, 5)), 3 * 8 * 8 * 5),
    "addmm": (lambda x: torch.addmm(ones(5), x[0, 0], ones(8, 5)), 8 * 8 * 5),
    "baddbmm": (lambda x: torch.baddbmm(ones(1, 1, 5), x[0], ones(3, 8, 5)), 3 * 8 * 8 * 5),
    "matmul, left broadcast": (lambda x: ones(2, 8) @ x, 3 * 2 * 8 * 8),
    "matmul, right broadcast": (lambda x: x @ ones(7, 1, 8, 2), 7 * 3 * 8 * 8 * 2),
    "matmul, both broadcast": (lambda x: x @ ones(7, 1, 8, 2), 7 * 3 * 8 * 8 * 2),
    "matmul of vectors": (lambda x: x[0, 0, 0] @ ones(8), 8),
    "matmul, vector on the left": (lambda x: ones(8) @ x, 3 * 8 * 8),
    "matmul, vector on the right": (lambda x: x @ ones(8), 3 * 8 * 8),
    "matmul, transposed": (lambda x: x.mT @ x, 3 * 8 * 8 * 8),
    "conv": (lambda x: F.conv2d(x, ones(4, 3, 3, 3), padding=1), 4 * 3 * 9 * 64),
    "strided conv": (lambda x: F.conv2d(x, ones(4, 3, 3, 3), stride=2, padding=1), 4 * 3 * 9 * 16),
    "dilated conv": (lambda x: F.conv2d(x, ones(4, 3, 3, 3), dilation=2), 4 * 3 * 9 * 16),
    "grouped conv": (lambda x: F.conv2d(x, ones(6, 1, 3, 3), padding=1, groups=3), 6 * 9 * 64),
    "depthwise conv": (lambda x: F.conv2d(x, ones(3, 1, 3, 3), padding=1, groups=3), 3 * 9 * 64),
    "conv without padding": (lambda x: F.conv2d(x, ones(4, 3, 3, 5)), 4 * 3 * 15 * 6 * 4),
    "conv1d": (lambda x: F.conv1d(x[0], ones(4, 8, 3)), 3 * 4 * 8 * 3 * 6),
    "transposed conv": (
        lambda x: F.conv_transpose2d(x, ones(3, 5, 2, 2), stride=2),
        3 * 5 * 4 * 64,
    ),
    "grouped transposed conv": (
        lambda x: F.conv_transpose2d(x, ones(3, 2, 4, 4), stride=2, padding=1, groups=3),
        3 * 2 * 16 * 64,
    ),
    "attention, other width of v": (
        lambda x: F.scaled_dot_product_attention(x, ones(1, 3, 5, 8), ones(1, 3, 5, 2)),
        3 * 8 * 5 * (8 + 2),
    ),
    "attention, one query for all": (
        lambda x: F.scaled_dot_product_attention(x[:, :1], ones(6, 1, 5, 8), ones(6, 1, 5, 8)),
        6 * 8 * 5 * 16,
    ),
    "attention with a mask": (
        lambda x: F.scaled_dot_product_attention(x, x, x, attn_mask=ones(8, 8)),
        3 * 8 * 8 * 16,
    ),
    "padding=same": (
        lambda x: F.conv2d(x, ones(6, 1, 3, 3), padding="same", groups=3),
        6 * 9 * 64,
    ),
    "einsum, one operand": (lambda x: torch.einsum("bchw->bc", x), 0),
    "einsum, outer product": (lambda x: torch.einsum("bchw,d->bchwd", x, ones(5)), 0),
    "einsum, kept and shared": (
        lambda x: torch.einsum("bchw,cwo->bcho", x, ones(3, 8, 5)),
        3 * 8 * 8 * 5,
    ),
    "einsum, added up before": (lambda x: torch.einsum("bchw,wo->bo", x, ones(8, 5)), 8 * 5),
    "einsum, broadcast": (lambda x: torch.einsum("bchw,cwo", x, ones(1, 8, 5)), 8 * 8 * 5),
    "einsum, dots": (lambda x: torch.einsum("...hw, ow -> ...ho", x, ones(5, 8)), 3 * 8 * 8 * 5),
    "the same thing twice": (lambda x: (x @ ones(8, 2), x @ ones(8, 2)), 2 * 3 * 8 * 8 * 2),
    "nothing": (lambda x: x, 0),
    "views": (lambda x: x.mT.flatten(2).reshape(1, -1)[:, ::2].contiguous(), 0),
}


@pytest.mark.parametrize("name", BY_HAND)
def test_operators_by_hand(name):
    function, macs = BY_HAND[name]
    assert macs_of(function) == macs


# torch's counter has no rule for a product with a vector.
NOT_COUNTED_BY_TORCH = {
    "attention, one query for all",
    "linear to one number",
    "matmul of vectors",
    "matmul, vector on the left",
    "matmul, vector on the right",
}


@pytest.mark.parametrize("name", [name for name in BY_HAND if name not in NOT_COUNTED_BY_TORCH])
def test_operators_by_torch(name):
    function, macs = BY_HAND[name]
    assert macs_by_torch(Calls(function), *IMAGE) == macs


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.data())
def test_any_convolution(data):
    pick = lambda low, high: data.draw(st.integers(low, high))  # noqa: E731
    groups, kernel = pick(1, 3), (pick(1, 4), pick(1, 4))
    kind = data.draw(st.sampled_from((nn.Conv2d, nn.ConvTranspose2d)))
    conv = kind(
        groups * pick(1, 3),
        groups * pick(1, 3),
        kernel,
        stride=pick(1, 3),
        padding=(pick(0, kernel[0] - 1), pick(0, kernel[1] - 1)),
        groups=groups,
        bias=data.draw(st.booleans()),
    )
    size = pick(6, 9), pick(6, 9)
    size = conv.in_channels, *size
    assert count_macs(conv, *size).total == macs_by_torch(conv, *size)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(st.data())
def test_any_broadcast_product(data):
    batch = data.draw(st.lists(st.integers(1, 3), max_size=3))
    lead = [data.draw(st.sampled_from((1, size))) for size in batch]
    keep = data.draw(st.integers(0, len(lead)))
    n, k, m = (data.draw(st.integers(1, 5)) for _ in range(3))
    a, b = ones(*batch, n, k), ones(*lead[keep:], k, m)
    if data.draw(st.booleans()):
        a, b = b.mT, a.mT
    whole = torch.broadcast_shapes(a.shape[:-2], b.shape[:-2]).numel()
    assert macs_of(lambda x: (a + x.sum()) @ b) == whole * n * k * m


@settings(max_examples=40, deadline=None, derandomize=True)
@given(st.data())
def test_any_einsum_of_two(data):
    size = {"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}
    terms = st.lists(st.sampled_from("abcde"), min_size=1, max_size=4, unique=True)
    left, right = data.draw(terms), data.draw(terms)
    kept = data.draw(st.lists(st.sampled_from([*left, *right]), unique=True))
    equation = f"{''.join(left)},{''.join(right)}->{''.join(kept)}"
    # A kept index of size 1 is broadcast where the other operand holds more.
    shapes = [[data.draw(st.sampled_from((1, size[i]))) for i in term] for term in (left, right)]
    a, b = (ones(*shape) for shape in shapes)
    layer = Calls(lambda x: torch.einsum(equation, a + x.sum(), b))
    assert count_macs(layer, *IMAGE).total == macs_by_torch(layer, *IMAGE)


def test_a_layer_used_twice_counts_twice():
    conv = nn.Conv2d(3, 3, 1)
    assert count_macs(nn.Sequential(conv, nn.ReLU(), conv), *IMAGE).total == 2 * 64 * 9


# The sizes of a family differ only in width; test_explain.py counts each at one resolution.
@pytest.mark.parametrize("resolution", [pytest.param(32, marks=pytest.mark.slow), 45])
@pytest.mark.parametrize("name", ["lolvit_nano", "lolvit_s", "ghostnet_0.5", "mobilevit_xxs"])
def test_networks_by_formula_and_torch(name, resolution):
    network = lolvit.build(lolvit.variant(name, resolution=resolution, num_classes=7), seed=0)
    counted = count_macs(network, 3, resolution, resolution)
    assert counted.total == network.macs(resolution, resolution)
    assert counted.total == macs_by_torch(network, 3, resolution, resolution)
    assert counted.total == sum(counted.by_operator.values())


@pytest.mark.parametrize("mixer", sorted(attention_zoo.entries()))
@pytest.mark.parametrize("resolution", [28, pytest.param(33, marks=pytest.mark.slow)])
def test_mixers_in_a_network_by_formula_and_torch(mixer, resolution):
    mixers = (lolvit.MixerConfig(mixer),) * 3
    architecture = lolvit.variant(
        "lolvit_nano", resolution=resolution, in_channels=1, mixers=mixers
    )
    network = lolvit.build(architecture, seed=0)
    counted = count_macs(network, 1, resolution, resolution)
    assert counted.total == network.macs(resolution, resolution)
    assert counted.total == macs_by_torch(network, 1, resolution, resolution)
