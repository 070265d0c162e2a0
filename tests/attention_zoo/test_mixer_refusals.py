"""Sizes, options and values that a mixer refuses, each in one line that names them."""

from __future__ import annotations

import math

import pytest

import attention_zoo
from attention_zoo import MixerError
from attention_zoo.fwa import NORMALIZERS
from attention_zoo.layers.aggregation import KINDS
from tests.attention_zoo.cases import every_name


def one_line(caught):
    message = str(caught.value)
    assert message
    assert "\n" not in message
    return message


@every_name
def test_an_unknown_option_lists_the_available_ones(name):
    with pytest.raises(MixerError) as caught:
        attention_zoo.build(name, dim=8, windoow=7)
    message = one_line(caught)
    assert f"{name!r} has no option 'windoow'" in message
    for option in attention_zoo.entry(name).options:
        assert option.name in message


@every_name
@pytest.mark.parametrize(
    ("sizes", "word"),
    [
        ({"dim": 10, "num_heads": 3}, "multiple"),
        ({"dim": 2, "num_heads": 4}, "multiple"),
        ({"dim": 0}, "dim"),
        ({"dim": -8}, "dim"),
        ({"dim": 8.0}, "dim"),
        ({"dim": "8"}, "dim"),
        ({"dim": True}, "dim"),
        ({"dim": 8, "num_heads": 0}, "num_heads"),
        ({"dim": 8, "num_heads": -2}, "num_heads"),
        ({"dim": 8, "num_heads": None}, "num_heads"),
        ({"dim": 8, "num_heads": True}, "num_heads"),
    ],
)
def test_bad_sizes_are_refused(name, sizes, word):
    with pytest.raises(MixerError) as caught:
        attention_zoo.build(name, **sizes)
    message = one_line(caught)
    assert word in message
    assert repr(sizes[word] if word in sizes else sizes["dim"]) in message


INVALID = (0, -1, 3.0, "7", None, True)
FLAGS = (1, 0, "yes", None)
REFUSED = [
    *(("softmax", "relative_bias", value) for value in FLAGS),
    *(("spatial_reduction", "ratio", value) for value in INVALID),
    *(("shifted_window", "window", value) for value in INVALID),
    *(("focused_linear", "power", value) for value in INVALID),
    *(("focused_linear", "kernel", value) for value in (-1, 2, 4, 5.0, "5", None, False, 0.0)),
    *(("focused_linear", "position", value) for value in FLAGS),
    *(("hilo", "alpha", value) for value in (-0.1, 1.1, "0.5", None, True, math.nan)),
    *(("hilo", "window", value) for value in INVALID),
    *(("latent", "latents", value) for value in INVALID),
    *(("latent", "local", value) for value in FLAGS),
    *(("local_latent", "window", value) for value in (*INVALID, 2, 6)),
    *(("rank_enhanced", "kernel", value) for value in (*INVALID, 2, 6)),
    *(("rank_enhanced", "channel_gate", value) for value in FLAGS),
    *(("plane", "axis", value) for value in ("rows", "", 1, ["row"])),
    *(
        ("context", option, value)
        for option in ("key_dim", "value_dim", "pool")
        for value in INVALID
    ),
    *(("linear_mixer", option, value) for option in ("groups", "kernel") for value in INVALID),
    ("linear_mixer", "kernel", 4),
    *(
        ("deformable", o, value)
        for o in ("groups", "stride", "kernel", "base")
        for value in INVALID
    ),
    ("deformable", "kernel", 2),
    *(("deformable", "reference", value) for value in ("DAT", None, 1)),
    *(("superpixel", option, value) for option in ("segments", "rounds") for value in INVALID),
    *(("superpixel", "compactness", value) for value in (0, -1.0, "1", None, True, float("nan"))),
    *(("superpixel", "inner", value) for value in ("superpixel", "nothing", None)),
    *(("superpixel", "positions", value) for value in (1, "yes", None)),
    *(("skip_layer", "n_l", value) for value in INVALID),
    *(("skip_layer", "n_h", value) for value in INVALID[1:]),
    *(("window", "window", value) for value in INVALID),
    *(("pooled", "pool", value) for value in INVALID),
]


@pytest.mark.parametrize(("name", "option", "value"), REFUSED, ids=str)
def test_values_out_of_range_are_refused_in_one_line(name, option, value):
    with pytest.raises(MixerError) as caught:
        attention_zoo.build(name, dim=8, **{option: value})
    message = str(caught.value)
    assert message.startswith(f"{option} must be ")
    assert repr(value) in message
    assert "\n" not in message


FWA_REFUSED = [
    *(("fwa", {"window": window}, repr(window)) for window in (0, -3, True, 2.5, None, "foo")),
    *(("fwa", {"window": window}, window) for window in ("", "fixed", "fixed:", "fixed:0", "7")),
    ("fwa", {"window": "fixed:-1"}, "fixed:-1"),
    ("fwa", {"window": ["sqrt"]}, "window"),
    ("fwa", {"aggregate": "median"}, "'median'"),
    ("fwa", {"aggregate": None}, "None"),
    ("fwa", {"normalizer": "Softmax"}, "'Softmax'"),
    ("fwa", {"aggregate": "strided"}, "'sqrt'"),
    ("fwa", {"aggregate": "strided", "window": "fixed:7"}, "'fixed:7'"),
    ("fwa", {"aggregate": "weighted", "window": "fixed:7"}, "'fixed:7'"),
]


@pytest.mark.parametrize(("name", "options", "value"), FWA_REFUSED, ids=str)
def test_bad_options_of_fwa_are_refused(name, options, value):
    with pytest.raises(MixerError) as caught:
        attention_zoo.build(name, dim=8, **options)
    message = one_line(caught)
    assert value in message
    assert any(option in message for option in options)


@pytest.mark.parametrize(
    ("option", "words"), [("aggregate", KINDS), ("normalizer", NORMALIZERS)], ids=str
)
def test_a_wrong_word_lists_the_right_ones(option, words):
    with pytest.raises(MixerError) as caught:
        attention_zoo.build("fwa", dim=8, **{option: "nothing"})
    assert all(word in one_line(caught) for word in words)
