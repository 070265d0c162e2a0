"""The cost that a mixer claims is the cost that torch counts, to the last multiply-accumulate."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import attention_zoo
from attention_zoo.fwa import NORMALIZERS
from attention_zoo.layers.aggregation import KINDS
from tests.attention_zoo.cases import CASES, drawn, every_name, label, twin
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


@pytest.mark.parametrize(("name", "options"), ALL, ids=[label(*case) for case in ALL])
def test_macs_are_exact(name, options):
    for (dim, heads), size in itertools.product(WIDTHS, MAPS):
        mixer = attention_zoo.build(name, dim=dim, num_heads=heads, **options).eval()
        claimed = mixer.macs(*size)
        assert isinstance(claimed, int)
        assert claimed == counted(mixer, drawn(size, batch=1, dim=dim)), (dim, heads, size)


@every_name
@settings(max_examples=15, deadline=None, derandomize=True)
@given(st.data())
def test_any_map_and_width(name, data):
    height, width = data.draw(st.integers(1, 24)), data.draw(st.integers(1, 24))
    heads, head_dim = data.draw(st.integers(1, 5)), data.draw(st.integers(1, 9))
    options = data.draw(st.sampled_from(twin(name).VARIANTS))
    dim = heads * head_dim
    mixer = attention_zoo.build(name, dim=dim, num_heads=heads, **options).eval()
    x = drawn((height, width), batch=1, dim=dim)
    assert mixer(x).shape == x.shape
    assert mixer.macs(height, width) == counted(mixer, x)


N, C = 14 * 14, 64
FORMULAS = {
    "none": 0,
    "softmax": 4 * N * C**2 + 2 * N**2 * C,
    "linear": N * (4 * C**2 + 2 * C * 16),
    "mobilevit": 4 * N * C**2 + N**2 * C // 2,
    "window": 4 * N * C**2 + 2 * N * 49 * C,
    "pooled": 2 * N * C**2 + 3 * 49 * C**2 + 2 * N * 49 * C,
    "fwa": 2 * N * C**2 + 2 * 16 * C**2 + 2 * N * 16 * C + 9 * 16 * C,
}


@pytest.mark.parametrize("name", FORMULAS)
def test_macs_of_the_specification(name):
    assert attention_zoo.build(name, dim=C, num_heads=4).macs(14, 14) == FORMULAS[name]


PARAMS = {  # biases and norms included
    "none": 0,
    "softmax": 4 * C**2 + 4 * C,
    "linear": 4 * C**2 + 4 * C,
    "mobilevit": 4 * C**2 + 4 * C,
    "window": 4 * C**2 + 4 * C + 4 * 13 * 13,
    "pooled": 5 * C**2 + 5 * C + 2 * C,
    "fwa": 4 * C**2 + 8 * C + 9 * C + 2 * C,
}


@pytest.mark.parametrize("name", PARAMS)
def test_parameters_of_the_specification(name):
    mixer = attention_zoo.build(name, dim=C, num_heads=4)
    assert sum(parameter.numel() for parameter in mixer.parameters()) == PARAMS[name]
