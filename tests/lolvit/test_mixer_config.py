"""A mixer and its options: one form and one hash however it is spelt, as data and as text."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

import attention_zoo
import lolvit
from attention_zoo import MixerError
from lolvit import ArchitectureError, LolvitConfig, MixerConfig, from_dict
from lolvit.fusion import build_block_mixer

DEFAULTS = [
    (name, option.name, option.default_value)
    for name, entry in sorted(attention_zoo.entries().items())
    for option in entry.options
    if option.default_value is not None
]
every_default = pytest.mark.parametrize(("name", "option", "default"), DEFAULTS, ids=str)


def hash_with(*mixers):
    return lolvit.variant("lolvit_nano", resolution=28, mixers=mixers).hash


def test_every_option_has_a_default_that_can_be_left_out():
    """Except for a plane's axis, which alternates from block to block when it is not set."""
    options = {
        (entry.name, option.name)
        for entry in attention_zoo.entries().values()
        for option in entry.options
    }
    assert options - {(name, option) for name, option, _ in DEFAULTS} == {("plane", "axis")}


@every_default
def test_a_default_that_is_spelt_out_changes_no_hash(name, option, default):
    plain, spelt = MixerConfig(name), MixerConfig(name, ((option, default),))
    other = MixerConfig("none")
    text = str(default).lower() if isinstance(default, bool) else str(default)
    assert spelt == plain
    assert hash(spelt) == hash(plain)
    assert MixerConfig.parse(f"{name}:{option}={text}") == plain
    for index in range(3):
        mixers = [other, other, other]
        mixers[index] = plain
        expected = hash_with(*mixers)
        mixers[index] = spelt
        assert hash_with(*mixers) == expected


@every_default
def test_a_default_next_to_other_options_is_left_out(name, option, default):
    for other in attention_zoo.entry(name).options:
        if other.name != option and other.types == {int}:
            value = other.default_value + 2
            plain = MixerConfig(name, ((other.name, value),))
            assert plain.options == ((other.name, value),)
            assert MixerConfig(name, ((option, default), (other.name, value))) == plain


@every_default
def test_a_stored_architecture_that_spells_out_a_default_still_loads(name, option, default):
    data = LolvitConfig(mixers=(MixerConfig(name),) * 3).to_dict()
    stored = {**data, "mixers": [{"name": name, "options": [[option, default]]}] * 3}
    assert from_dict(stored) == from_dict(data)
    assert from_dict(stored).hash == from_dict(data).hash


@every_default
def test_a_default_that_is_spelt_out_builds_the_same_mixer_in_every_block(name, option, default):
    """What the hash says: networks of equal hash are equal."""
    cls = attention_zoo.entry(name).load()
    for block in range(3):
        options = [cls.options_of_block(given, block) for given in ({}, {option: default})]
        plain, spelt = (attention_zoo.build(name, dim=16, num_heads=2, **kw) for kw in options)
        assert settings(plain) == settings(spelt)
        assert [p.shape for p in plain.parameters()] == [p.shape for p in spelt.parameters()]


def settings(module: nn.Module):
    """Every plain attribute of a module and its children."""
    return [
        (path, key, value)
        for path, child in module.named_modules()
        for key, value in sorted(vars(child).items())
        if isinstance(value, bool | int | float | str | tuple)
    ]


def test_an_axis_that_is_set_is_not_the_alternating_one():
    row, plain = MixerConfig("plane", (("axis", "row"),)), MixerConfig("plane")
    assert row != plain
    axes = [[build_block_mixer(m, 16, 2, block).axis for block in range(3)] for m in (row, plain)]
    assert axes == [["row"] * 3, ["row", "col", "row"]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("linear", "a5ebd4a8a87f1e4b"),
        ("window:window=4", "28f850119501d347"),
        ("fwa:window=fixed:7,aggregate=mean", "debf8cd203b0ae95"),
        ("plane", "bfef5d5b8679df7f"),
        ("hilo:alpha=0.25", "32b478d73fb5c5cb"),
        ("superpixel:positions=false,inner=linear", "105fbe78b25f09c3"),
    ],
)
def test_hashes_of_earlier_versions_stay(text, expected):
    assert hash_with(*(MixerConfig.parse(text),) * 3) == expected


def test_a_hash_of_an_earlier_version_with_three_mixers_stays():
    mixers = (
        MixerConfig("softmax", (("relative_bias", True),)),
        MixerConfig(),
        MixerConfig("none"),
    )
    assert lolvit.variant("lolvit_s", mixers=mixers).hash == "6af94b10fd2791bc"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("hilo:alpha=1", "hilo:alpha=1.0"),
        ("hilo:alpha=0", "hilo:alpha=-0.0"),
        ("hilo:alpha=0.5", "hilo:alpha=.5"),
        ("softmax:relative_bias=true", "softmax:relative_bias=True"),
        ("superpixel:compactness=1", "superpixel"),
        ("fwa:aggregate=mean,window=7", "fwa: window = 7, aggregate = mean"),
    ],
)
def test_equal_texts(one, other):
    one, other = MixerConfig.parse(one), MixerConfig.parse(other)
    assert one == other
    assert hash_with(one, one, one) == hash_with(other, other, other)
    assert [type(value) for _, value in one.options] == [type(value) for _, value in other.options]


@pytest.mark.parametrize(
    "text",
    [
        "fwa",
        "fwa:window=7",
        "fwa:window=fixed:7",
        "hilo:alpha=0.25,window=4",
        "plane:axis=both",
        "softmax:relative_bias=true",
        "superpixel:inner=linear,positions=false,rounds=2",
    ],
)
def test_text_round_trips(text):
    mixer = MixerConfig.parse(text)
    assert str(mixer) == text
    assert MixerConfig.parse(str(mixer)) == mixer
    assert MixerConfig.from_dict({"name": mixer.name, "options": mixer.options}) == mixer


@pytest.mark.parametrize(
    ("name", "options", "parts"),
    [
        ("fwaa", (), ["did you mean 'fwa'? Available: "]),
        ("fwa", (("windoow", 7),), ["'windoow'", "did you mean 'window'?"]),
        ("linear", (("window", 7),), ["'window'", "no options"]),
        ("fwa", (("window", 7), ("window", "sqrt")), ["'window' is given twice"]),
        ("fwa", (("window", [7]),), ["'window' must be int or str, got [7]"]),
        ("fwa", (("window", None),), ["'window' must be int or str, got None"]),
        ("fwa", (("window", True),), ["'window' must be int or str, got True"]),
        ("window", (("window", 4.0),), ["'window' must be int, got 4.0"]),
        ("window", (("window", math.nan),), ["'window'", "nan"]),
        ("hilo", (("alpha", math.inf),), ["'alpha' must be finite, got inf"]),
        ("hilo", (("alpha", 10**400),), ["'alpha' must be finite, got inf"]),
        ("hilo", (("alpha", True),), ["'alpha' must be float, got True"]),
        ("softmax", (("relative_bias", 1),), ["'relative_bias' must be bool, got 1"]),
        ("fwa", (("window",),), ["pairs"]),
        (None, (), ["name"]),
    ],
    ids=str,
)
def test_a_bad_mixer_is_refused_in_one_line(name, options, parts):
    with pytest.raises((MixerError, ArchitectureError)) as caught:
        MixerConfig(name, options)
    message = str(caught.value)
    assert "\n" not in message
    assert all(part in message for part in parts), message


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("fwaa:window=7", ["unknown mixer 'fwaa'", "'fwa'"]),
        ("fwa:window", ["write options of 'fwa' as option=value, got 'window'"]),
        ("fwa:windoow=7", ["'windoow'", "'window'"]),
        ("window:window=wide", ["'window' must be int, got 'wide'"]),
        ("softmax:relative_bias=1", ["'relative_bias' must be bool, got"]),
        ("fwa:window=7,window=8", ["'window' is given twice"]),
        (7, ["got 7"]),
    ],
    ids=str,
)
def test_a_bad_text_is_refused_in_one_line(text, parts):
    with pytest.raises((MixerError, ArchitectureError)) as caught:
        MixerConfig.parse(text)
    message = str(caught.value)
    assert "\n" not in message
    assert all(part in message for part in parts), message


def test_a_number_of_another_library_becomes_a_plain_one():
    share = torch.tensor(0.25, dtype=torch.float64).numpy()[()]
    (pair,) = MixerConfig("hilo", (("alpha", share),)).options
    assert type(pair[1]) is float
