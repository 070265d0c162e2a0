"""The cost that a mixer claims is the cost that torch counts, to the last multiply-accumulate."""

from __future__ import annotations

import itertools
from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import attention_zoo
import lolvit
from attention_zoo.fwa import NORMALIZERS
from attention_zoo.layers.aggregation import KINDS, Weighted
from lolvit.analytic import analytic_costs
from runners.measure.counting.macs import count_macs
from tests.attention_zoo.cases import CASES, drawn, every_name, label, variants
from tests.flops import counted

WIDTHS = ((8, 1), (24, 3), (40, 4))
MAPS = ((1, 1), (7, 13), (16, 16))
FWA_WINDOWS = ("sqrt", "global", "fixed:1", "fixed:5", "fixed:7", 1, 3, 7, 14)


def fwa_cases():
    for window, aggregate, normalizer in itertools.product(FWA_WINDOWS, KINDS, NORMALIZERS):
        options = {"window": window, "aggregate": aggregate, "normalizer": normalizer}
        try:
            attention_zoo.build("fwa", dim=4, **options)
        except attention_zoo.MixerError:
            continue  # which pairs are refused: test_mixer_registry.py
        yield "fwa", options


ALL = [
    *CASES,
    *fwa_cases(),
    *(("window", {"window": side}) for side in (1, 3, 7, 16, 20)),
    *(("pooled", {"pool": side}) for side in (1, 2, 7, 9)),
]


def is_slow(name, options):
    """The normalizer of FWA multiplies nothing: one of them runs by default."""
    return name == "fwa" and options.get("normalizer", "relu") != "relu" and len(options) > 1


@pytest.mark.parametrize(
    ("name", "options"),
    [
        pytest.param(*case, marks=pytest.mark.slow if is_slow(*case) else (), id=label(*case))
        for case in ALL
    ],
)
def test_macs_are_exact(name, options):
    for (dim, heads), size in itertools.product(WIDTHS, MAPS):
        mixer = attention_zoo.build(name, dim=dim, num_heads=heads, **options).eval()
        claimed = mixer.macs(*size)
        assert isinstance(claimed, int)
        x = drawn(size, batch=1, dim=dim)
        assert claimed == counted(mixer, x) + products_summed(mixer, size), (dim, heads, size)
        assert claimed == count_macs(mixer, dim, *size).total, (dim, heads, size)


def products_summed(mixer, size):
    """What torch's counter does not see: the weighted means of windows, `(x * w).sum(-1)`."""
    layer = getattr(mixer, "aggregate", None)
    if not isinstance(layer, Weighted):
        return 0
    (high, wide), keys = layer.windows.sides(*size), prod(layer.windows.keys(*size))
    return keys * high * wide * mixer.dim if high * wide > 1 else 0


@every_name
@settings(max_examples=6, deadline=None, derandomize=True)
@given(st.data())
def test_any_map_and_width(name, data):
    height, width = data.draw(st.integers(1, 24)), data.draw(st.integers(1, 24))
    heads, head_dim = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 9))
    options = data.draw(st.sampled_from(variants(name)))
    dim = heads * head_dim
    mixer = attention_zoo.build(name, dim=dim, num_heads=heads, **options).eval()
    x = drawn((height, width), batch=1, dim=dim)
    assert mixer(x).shape == x.shape
    summed = products_summed(mixer, (height, width))
    assert mixer.macs(height, width) == counted(mixer, x) + summed
    assert mixer.macs(height, width) == count_macs(mixer, dim, height, width).total


# By hand from the papers, for a map of 14 x 14, 64 channels, 4 heads.
N, C, D, M = 14 * 14, 64, 16, 7 * 7
MACS = [
    ("none", {}, 0),
    ("softmax", {}, 4 * N * C**2 + 2 * N**2 * C),
    ("linear", {}, N * (4 * C**2 + 2 * C * 16 + C)),
    ("mobilevit", {}, 4 * N * C**2 + N**2 * C // 2),
    ("window", {}, 4 * N * C**2 + 2 * N * 49 * C),
    ("pooled", {}, 2 * N * C**2 + 3 * 49 * C**2 + 2 * N * 49 * C),
    ("fwa", {}, 2 * N * C**2 + 2 * 16 * C**2 + 2 * N * 16 * C + 9 * 16 * C),
    ("softmax", {"relative_bias": True}, 4 * N * C**2 + 2 * N**2 * C),
    ("mobilevit_v2", {}, N * (3 * C**2 + 2 * C)),
    ("spatial_reduction", {}, 2 * N * C**2 + 49 * (4 * C**2 + 2 * C**2) + 2 * N * 49 * C),
    ("spatial_reduction", {"ratio": 1}, 4 * N * C**2 + 2 * N**2 * C),
    ("shifted_window", {}, 4 * N * C**2 + 2 * N * 49 * C),
    ("focused_linear", {}, N * (4 * C**2 + 2 * C * D + C + 25 * C)),
    ("focused_linear", {"kernel": 0}, N * (4 * C**2 + 2 * C * D + C)),
    ("latent", {}, 4 * N * C**2 + 4 * N * 16 * C),
    ("local_latent", {}, N * (4 * C**2 + 2 * C * D + 2 * 7 * C)),
    ("rank_enhanced", {}, N * (4 * C**2 + 2 * C * D + C + 25 * C)),
    ("plane", {}, N * (4 * C**2 + 2 * 14 * C)),
    ("plane", {"axis": "both"}, N * (4 * C**2 + 2 * (14 + 14) * C)),
    ("bilstm", {}, N * (2 * C**2 + 18 * C * D)),
    ("deformable", {"kernel": 3}, 2 * N * M * C + 2 * N * C**2 + 2 * M * C**2 + 11 * M * C),
    ("skip_layer", {}, 4 * N * C**2 + 2 * N**2 * C),
]


@pytest.mark.parametrize(("name", "options", "macs"), MACS, ids=str)
def test_macs_equal_the_formula(name, options, macs):
    assert attention_zoo.build(name, dim=C, num_heads=4, **options).macs(14, 14) == macs


def test_macs_of_the_published_sizes():
    latent = attention_zoo.build("latent", dim=64, num_heads=4, latents=16)
    assert latent.macs(32, 32) == 20_971_520
    assert attention_zoo.build("hilo", dim=384, num_heads=12).macs(14, 14) == 83_467_776


PARAMS = [  # biases and norms included
    ("none", {}, 0),
    ("softmax", {}, 4 * C**2 + 4 * C),
    ("linear", {}, 4 * C**2 + 4 * C),
    ("mobilevit", {}, 4 * C**2 + 4 * C),
    ("window", {}, 4 * C**2 + 4 * C + 4 * 13 * 13),
    ("pooled", {}, 5 * C**2 + 5 * C + 2 * C),
    ("fwa", {}, 4 * C**2 + 8 * C + 9 * C + 2 * C),
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
def test_parameters_equal_the_formula(name, options, params):
    mixer = attention_zoo.build(name, dim=C, num_heads=4, **options)
    assert sum(parameter.numel() for parameter in mixer.parameters()) == params


# In a network; the counter sees every operator there.
IN_NETWORKS = [
    *("context", "bilstm", "linear_mixer", "deformable", "superpixel", "skip_layer"),
    "context:pool=2",
    "deformable:reference=dat",
    "deformable:reference=dat++,groups=2",
    "superpixel:inner=linear,positions=false",
]


@pytest.mark.parametrize("text", IN_NETWORKS)
def test_nothing_of_a_network_is_uncounted(text):
    config = lolvit.variant(
        "lolvit_nano",
        resolution=28,
        num_classes=10,
        fusion_blocks=(1, 2, 3),
        mixers=(lolvit.MixerConfig.parse(text),) * 3,
    )
    network = lolvit.build(config, seed=0)
    assert count_macs(network, 3, 28, 28).total == network.macs(28, 28)


@pytest.mark.parametrize(("name", "options"), CASES, ids=[label(*case) for case in CASES])
def test_networks_cost_what_their_formulas_say(name, options):
    """Run, by their modules' formulas, and by the formula that needs no network."""
    mixer = lolvit.MixerConfig(name, tuple(options.items()))
    architecture = lolvit.variant(
        "lolvit_nano", mixers=(mixer,) * 3, resolution=28, in_channels=1, num_classes=10
    )
    network = lolvit.build(architecture).eval()
    assert network.macs(28, 28) == analytic_costs(architecture).macs
    assert network.macs(28, 28) == count_macs(network, 1, 28, 28).total
