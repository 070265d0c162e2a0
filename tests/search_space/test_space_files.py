"""Spaces from files and presets, for images, and the domains of single dimensions."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from spaces import base_of

from lolvit import LolvitConfig, MixerConfig
from lolvit.variants import strides_for
from search_space import Choice, Constraint, Integer, Real, Space, SpaceError, from_dict, load
from search_space.constraint import parse_constraint
from search_space.yaml_file import parse_yaml


def names(space):
    return [dimension.name for dimension in space.dimensions]


def test_space_file_equals_space_section_of_a_sweep_file(tmp_path):
    text = """
preset: tiny
base: {variant: lolvit_nano, dropout: 0.1, mixers: "window:window=4"}
dimensions:
  width: {low: 1e-1, high: 5e-1, log: true}
  depth.4: {low: 1, high: 5, step: 2}
  fusion: null
  fwa.window: {choices: [sqrt, 2], when: {mixer: fwa}}
constraints: [macs <= 30e6, latency_ms <= 12.5]
"""
    space_file, sweep_file = tmp_path / "space.yaml", tmp_path / "sweep.yaml"
    space_file.write_text(text)
    indented = "\n".join(f"  {line}" for line in text.splitlines())
    sweep_file.write_text(f"trials: 20\nspace:{indented}\n")
    space = load(space_file)
    assert load(str(sweep_file)) == space
    assert "fusion" not in names(space)
    by_name = {dimension.name: dimension for dimension in space.dimensions}
    assert by_name["width"] == Real("width", 0.1, 0.5, log=True)
    assert list(by_name["depth.4"].values) == [1, 3, 5]
    assert by_name["fwa.window"].when == {"mixer": ("fwa",)}
    assert space.base.dropout == 0.1
    assert space.base.resolution == 32
    assert space.base.mixers == (MixerConfig("window", (("window", 4),)),) * 3
    assert [str(constraint) for constraint in space.constraints] == [
        "macs <= 3e+07",
        "latency_ms <= 12.5",
    ]
    assert [constraint.is_analytic for constraint in space.constraints] == [True, False]


def test_unused_dimensions_of_a_preset_are_dropped():
    space = from_dict({"preset": "full", "dimensions": {"mixer": ["window", "linear"]}})
    left = [n for n in names(space) if n.partition(".")[0] not in load("full").base.to_dict()]
    assert "mixer" in left
    assert not {"mixer.3", "mixer.4", "mixer.5", "fwa.window", "hilo.alpha"} & set(left)
    assert "window.window" in left
    bare = from_dict({"preset": "tiny", "dimensions": {"depth.4": None}})
    assert "after.4" not in names(bare)


def test_unused_dimensions_of_a_file_are_refused():
    with pytest.raises(SpaceError, match="fwa"):
        from_dict({"preset": "tiny", "dimensions": {"mixer": ["linear"], "fwa.window": [2]}})


def test_stage_overrides_all_stages():
    space = Space(
        base_of(),
        (
            Choice("mixer", ("linear", "softmax")),
            Choice("mixer.4", ("fwa",)),
            Choice("fwa.window", (2, 4)),
            Choice("kernel", (5, 7)),
            Choice("kernel.1", (3,)),
        ),
    )
    values = {"mixer": "softmax", "mixer.4": "fwa", "fwa.window": 4, "kernel": 7, "kernel.1": 3}
    architecture = space.architecture(values)
    assert [mixer.name for mixer in architecture.mixers] == ["softmax", "fwa", "softmax"]
    assert architecture.mixers[1].options == (("window", 4),)
    assert architecture.kernels == (3, 7, 7, 7, 7)


def test_default_options_are_left_out():
    space = Space(base_of(), (Choice("fwa.window", (2, "sqrt")), Choice("mixer", ("fwa",))))
    assert space.architecture({"fwa.window": "sqrt", "mixer": "fwa"}).hash == base_of().hash
    explicit = base_of(mixers=(MixerConfig("fwa", (("window", "sqrt"),)),) * 3)
    assert space.locate(explicit) == {"fwa.window": "sqrt", "mixer": "fwa"}


def test_position_after_the_last_bottleneck_is_the_end():
    space = Space(base_of(), (Integer("after.4", 0, 5), Choice("depth.4", (2, 6, 1))))
    by_depth = {depth: space.architecture({"after.4": 5, "depth.4": depth}) for depth in (1, 2, 6)}
    assert [by_depth[depth].fusion_after[1] for depth in (1, 2, 6)] == [0, 0, 5]
    assert space.active({"after.4": 5, "depth.4": 2}) == {"after.4": 0, "depth.4": 2}
    assert space.active({"after.4": 5, "depth.4": 1}) == {"depth.4": 1}


def test_strides_follow_the_images():
    space = load("tiny").for_images(1, 10, 28)
    base = space.base
    assert (base.in_channels, base.num_classes, base.resolution) == (1, 10, 28)
    assert base.strides == strides_for(28)
    assert load("paper").for_images(3, 10, 64).base.strides == strides_for(64)
    fixed = from_dict(
        {"base": {"strides": [2, 2, 2, 2, 2]}, "dimensions": {"resolution": [32, 64]}}
    )
    assert fixed.for_images(1, 10, 32).base.strides == (2,) * 5
    assert fixed.architecture({"resolution": 32}).strides == (2,) * 5
    with pytest.raises(SpaceError, match="total stride"):
        fixed.for_images(1, 10, 28)
    free = Space(LolvitConfig(), (Choice("resolution", (32, 224)),))
    assert free.architecture({"resolution": 32}).strides == strides_for(32)


def test_locate_ignores_images_and_unused_settings():
    space = load("tiny")
    other = space.for_images(1, 7, 48).architecture(space.default)
    assert space.architecture(space.locate(other)) == space.base
    without_blocks = replace(space.base, fusion_blocks=(0, 0, 0), fusion="gate", heads=(8, 8, 8))
    values = space.locate(without_blocks)
    assert [values[f"blocks.{stage}"] for stage in (3, 4, 5)] == [0, 0, 0]


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"width": 0.9}, "width"),
        ({"dropout": 0.5}, "dropout"),
        ({"heads": (1, 1, 1)}, "heads"),
        ({"mixers": (MixerConfig("hilo"),) * 3}, "'mixer' cannot be 'hilo'"),
        ({"mixers": (MixerConfig("fwa"), MixerConfig("fwa"), MixerConfig("linear"))}, "linear"),
        ({"mixers": (MixerConfig("fwa", (("aggregate", "max"),)),) * 3}, "mixers"),
    ],
)
def test_locate_refuses_architectures_outside_the_space(changes, part):
    space = load("tiny")
    with pytest.raises(SpaceError, match=part) as caught:
        space.locate(base_of(**changes))
    assert "\n" not in str(caught.value)


@given(
    low=st.floats(0.01, 1),
    span=st.floats(0, 2),
    step=st.none() | st.floats(0.01, 1),
    log=st.booleans(),
    seed=st.integers(0, 9),
)
def test_real_dimension(low, span, step, log, seed):
    dimension = Real("width", low, low + span, step, log and step is None)
    sample = dimension.sample(np.random.default_rng(seed))
    assert dimension.find(sample) == sample
    assert low * (1 - 1e-9) <= sample <= (low + span) * (1 + 1e-9)
    space = Space(base_of(), (dimension,))
    assert from_dict(space.to_dict()) == space
    assert space.size() == (math.inf if step is None else len(dimension.values))


@given(
    low=st.integers(1, 50),
    span=st.integers(0, 60),
    step=st.integers(1, 7),
    log=st.booleans(),
    seed=st.integers(0, 9),
)
def test_integer_dimension(low, span, step, log, seed):
    dimension = Integer("feature_channels", low, low + span, 1 if log else step, log)
    sample = dimension.sample(np.random.default_rng(seed))
    assert type(sample) is int
    assert sample in dimension.values
    assert dimension.find(np.int64(sample)) == sample
    space = Space(base_of(), (dimension,))
    assert from_dict(space.to_dict()) == space
    assert space.size() == len(dimension.values) == len(list(space.grid()))


@given(bound=st.floats(1e-3, 1e12), value=st.floats(0, 1e13), at_most=st.booleans())
def test_constraint_roundtrip_and_sign(bound, value, at_most):
    constraint = Constraint("macs", at_most, bound)
    assert Space(base_of(), (), (str(constraint),)).constraints == (constraint,)
    assert (constraint.excess(value) <= 0) == (value <= bound if at_most else value >= bound)
    assert constraint.excess(math.nan) == math.inf


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("3e8", 3e8),
        ("-3E+8", -3e8),
        ("1e-1", 0.1),
        ("30.5e6", 30.5e6),
        ("1_000", 1000),
        (".inf", math.inf),
        ("true", True),
        ("null", None),
        ("yes", "yes"),
        ("fixed:7", "fixed:7"),
    ],
)
def test_scalars_of_yaml_files(text, value):
    parsed = parse_yaml(text, "text")
    assert parsed == value
    assert type(parsed) is type(value)


def test_anchors_and_merge_keys_of_yaml_files():
    text = "a: &a {x: 1, y: 2}\nb: &b {<<: *a, y: 3}\nc: {<<: *b, z: 4}\n"
    assert parse_yaml(text, "text")["c"] == {"x": 1, "y": 3, "z": 4}


def test_log_samples_of_integers_have_shares_by_ratio():
    """The share of value k is log((k + 1) / k): the highest value is drawn like the others."""
    dimension = Integer("feature_channels", 1, 4, log=True)
    rng = np.random.default_rng(0)
    samples = np.array([dimension.sample(rng) for _ in range(20_000)])
    shares = [(samples == value).mean() for value in dimension.values]
    expected = [math.log((k + 1) / k) / math.log(5) for k in (1, 2, 3, 4)]
    assert shares == pytest.approx(expected, abs=0.01)


def test_log_samples_of_reals_have_their_median_at_the_geometric_mean():
    dimension = Real("width", 0.1, 1.6, log=True)
    rng = np.random.default_rng(0)
    samples = [dimension.sample(rng) for _ in range(20_000)]
    assert np.median(samples) == pytest.approx(0.4, rel=0.05)


@pytest.mark.parametrize(
    ("text", "value", "excess"),
    [
        ("macs <= 200", 300, 0.5),
        ("macs <= 200", 150, -0.25),
        ("macs >= 200", 150, 0.25),
        ("macs >= 200", 300, -0.5),
        ("latency_ms <= 0.5", 2, 3),
    ],
)
def test_excess_is_relative_to_the_bound(text, value, excess):
    assert parse_constraint(text).excess(value) == excess
