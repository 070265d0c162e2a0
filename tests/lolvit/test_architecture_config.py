"""An architecture is data: frozen, hashable, one JSON form, and every mistake is one line."""

from __future__ import annotations

import dataclasses
import json
import math
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import lolvit
from lolvit import ArchitectureError, LolvitConfig, MixerConfig, MobileVitConfig, from_dict
from lolvit.config import FUSIONS, MOBILEVIT_SIZES

ROOT = Path(__file__).parents[2]


def printed(code):
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("module", ["lolvit", "lolvit.config", "lolvit.variants", "lolvit.plan"])
def test_architectures_do_not_import_torch(module):
    use = "lolvit.variant('lolvit_s').hash"
    code = f"import sys, {module}, lolvit; {use}; print('torch' in sys.modules)"
    assert printed(code) == "False"


def test_default_hashes_never_change():
    """A study made by an earlier version must find its architectures again."""
    code = "import lolvit; print(lolvit.LolvitConfig().hash, lolvit.MobileVitConfig().hash)"
    assert printed(code) == f"{DEFAULT_HASH} {MOBILEVIT_HASH}"


DEFAULT_HASH = "0aaa04e46a5002f3"
MOBILEVIT_HASH = "488b96999c887aee"


mixers = st.sampled_from(
    [
        MixerConfig(),
        MixerConfig("linear"),
        MixerConfig("window", (("window", 4),)),
        MixerConfig("fwa", (("window", "fixed:7"), ("aggregate", "mean"))),
    ]
)
shared = {
    "in_channels": st.integers(1, 3),
    "num_classes": st.integers(1, 3),
    "resolution": st.integers(32, 34),
}
lolvits = st.builds(
    LolvitConfig,
    **shared,
    width=st.sampled_from([1, 1.0, 0.5, 0.35]),
    depths=st.tuples(*(st.integers(1, full) for full in (1, 2, 2, 6, 5))),
    fusion_blocks=st.lists(st.integers(0, 1), min_size=3, max_size=3),
    fusion=st.sampled_from(FUSIONS),
    mixers=st.lists(mixers, min_size=3, max_size=3),
    dropout=st.sampled_from([0, 0.0, 0.2]),
)
mobilevits = st.builds(MobileVitConfig, **shared, size=st.sampled_from(MOBILEVIT_SIZES))
architectures = st.one_of(lolvits, mobilevits)
MANY = settings(max_examples=60, deadline=None, derandomize=True)


@MANY
@given(architectures)
def test_json_round_trips(config):
    text = config.canonical()
    assert from_dict(json.loads(text)) == config
    assert from_dict(config.to_dict()) == config
    assert from_dict(config.to_dict()).canonical() == text
    assert "\n" not in text
    changed, everything = json.loads(text), config.to_dict()
    assert all(everything[key] == value for key, value in changed.items())


@MANY
@given(architectures, architectures)
def test_hashes_are_equal_where_architectures_are(one, other):
    assert (one.hash == other.hash) == (one == other)
    assert (one.canonical() == other.canonical()) == (one == other)
    if one == other:
        assert hash(one) == hash(other)


SPELLINGS = [
    (LolvitConfig(width=1), LolvitConfig(width=1.0)),
    (LolvitConfig(dropout=0), LolvitConfig(dropout=0.0)),
    (LolvitConfig(dropout=-0.0), LolvitConfig(dropout=0.0)),
    (LolvitConfig(heads=[1, 4, 4]), LolvitConfig(heads=(1, 4, 4))),
    (
        MixerConfig("fwa", (("window", 7), ("aggregate", "mean"))),
        MixerConfig("fwa", (("aggregate", "mean"), ("window", 7))),
    ),
    (
        MixerConfig("fwa", [["window", 7]]),
        MixerConfig("fwa", (("window", 7),)),
    ),
]


@pytest.mark.parametrize(("one", "other"), SPELLINGS, ids=str)
def test_equal_values_of_other_types_have_one_hash(one, other):
    assert one == other
    if isinstance(one, MixerConfig):
        one, other = (LolvitConfig(mixers=(mixer,) * 3) for mixer in (one, other))
    assert one.hash == other.hash


@pytest.mark.parametrize("name", lolvit.VARIANTS)
def test_every_field_counts_and_is_frozen(name):
    config = lolvit.variant(name)
    for field in dataclasses.fields(config):
        with pytest.raises(dataclasses.FrozenInstanceError):
            setattr(config, field.name, 1)
    assert dataclasses.replace(config, num_classes=7).hash != config.hash
    assert dataclasses.replace(config, num_classes=config.num_classes).hash == config.hash


BAD = [
    ("resolution", 0),
    ("resolution", -32),
    ("resolution", 224.0),
    ("resolution", "224"),
    ("resolution", True),
    ("resolution", None),
    ("resolution", 31),
    ("in_channels", 0),
    ("in_channels", 1.5),
    ("num_classes", 0),
    ("num_classes", "ten"),
    ("strides", (2, 2, 2)),
    ("strides", (2, 2, 2, 2, 3)),
    ("strides", (2, 2, 2, 2, 0)),
    ("strides", (2, 2, 2, 2, 2.0)),
    ("strides", (2, 2, 2, 2, True)),
    ("strides", (2, 2, 2, 2, [1])),
    ("strides", 2),
    ("strides", None),
]
BAD_LOLVIT = [
    *BAD,
    ("width", 0),
    ("width", -1.0),
    ("width", math.nan),
    ("width", math.inf),
    ("width", 9),
    ("width", "wide"),
    ("width", True),
    ("dropout", 1),
    ("dropout", -0.1),
    ("dropout", math.nan),
    ("dropout", None),
    ("fusion", "sum"),
    ("fusion", None),
    ("fusion", ["ghost"]),
    ("trunk_channels", 3),
    ("trunk_channels", 960.0),
    ("feature_channels", 0),
    ("fusion_blocks", (1, 2)),
    ("fusion_blocks", (1, 2, -1)),
    ("fusion_blocks", (1, 2, 2.0)),
    ("fusion_blocks", 1),
    ("heads", (1, 4)),
    ("heads", (0, 4, 4)),
    ("heads", (1, 4, True)),
    ("heads", None),
    ("depths", (1, 2, 2, 6)),
    ("depths", (0, 2, 2, 6, 5)),
    ("depths", (1, 2, 2, 7, 5)),
    ("depths", 5),
    ("mixers", (MixerConfig(),)),
    ("mixers", ("fwa", "fwa", "fwa")),
    ("mixers", MixerConfig()),
    ("mixers", None),
]
BAD_MOBILEVIT = [*BAD, ("size", "m"), ("size", None), ("size", ["xs"])]


def one_line(caught):
    message = str(caught.value)
    assert message
    assert "\n" not in message
    return message


@pytest.mark.parametrize(
    ("kind", "field", "value"),
    [
        *((LolvitConfig, *pair) for pair in BAD_LOLVIT),
        *((MobileVitConfig, *pair) for pair in BAD_MOBILEVIT),
    ],
    ids=str,
)
def test_a_bad_field_is_named_with_its_value(kind, field, value):
    with pytest.raises(ArchitectureError) as caught:
        kind(**{field: value})
    message = one_line(caught)
    assert field in message
    if field != "mixers" and not isinstance(value, tuple):
        assert str(value) in message


LOLVIT = LolvitConfig().to_dict()
BAD_DATA = [
    ({}, "family"),
    ({"family": "resnet"}, "'resnet'"),
    ({"family": ["lolvit"]}, "family"),
    ({**LOLVIT, "widht": 1.0}, "'widht'"),
    ({"family": "mobilevit", "width": 1.0}, "'width'"),
    ({**LOLVIT, "mixers": "fwa"}, "mixers"),
    ({**LOLVIT, "mixers": None}, "mixers"),
    ({**LOLVIT, "mixers": [{}] * 3}, "mixers"),
    ({**LOLVIT, "mixers": [{"name": "fwa", "options": 3}] * 3}, "options"),
    ({**LOLVIT, "mixers": [{"name": "fwa", "options": [], "more": 1}] * 3}, "mixers"),
    ({**LOLVIT, "strides": None}, "strides"),
]


@pytest.mark.parametrize(("data", "word"), BAD_DATA, ids=[str(index) for index in range(11)])
def test_bad_data_is_refused(data, word):
    with pytest.raises(ArchitectureError) as caught:
        from_dict(data)
    assert word in one_line(caught)


def test_from_dict_does_not_change_its_argument():
    data = LolvitConfig().to_dict()
    before = json.dumps(data)
    from_dict(data)
    assert json.dumps(data) == before


def test_an_unknown_variant_lists_the_nearest_and_all():
    with pytest.raises(ArchitectureError) as caught:
        lolvit.variant("lolvit_xxx")
    message = one_line(caught)
    assert "'lolvit_xxx'" in message
    assert "did you mean 'lolvit_x" in message
    assert all(name in message for name in lolvit.VARIANTS)


def test_lolvit_x_is_the_extra_small_one():
    assert lolvit.variant("lolvit_x") == lolvit.variant("lolvit_xs")
    assert lolvit.variant("lolvit_x", resolution=32).hash == (
        lolvit.variant("lolvit_xs", resolution=32).hash
    )


def test_variants_differ():
    configs = {name: lolvit.variant(name) for name in lolvit.VARIANTS if name != "lolvit_x"}
    assert len({config.hash for config in configs.values()}) == len(configs)


@pytest.mark.parametrize("name", ["lolvit_s", "mobilevit_xs"])
@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"resolution": 0}, "resolution"),
        ({"resolution": "32"}, "resolution"),
        ({"strides": (3,) * 5}, "strides"),
        ({"widht": 1.0}, "'widht'"),
        ({"num_classes": 0}, "num_classes"),
    ],
    ids=str,
)
def test_a_bad_change_to_a_variant_is_refused(name, changes, word):
    with pytest.raises(ArchitectureError) as caught:
        lolvit.variant(name, **changes)
    assert word in one_line(caught)


@pytest.mark.parametrize("name", lolvit.VARIANTS)
def test_changes_override_the_variant(name):
    config = lolvit.variant(name, resolution=64, strides=(1, 1, 1, 2, 2), num_classes=5)
    assert (config.resolution, config.strides, config.num_classes) == (64, (1, 1, 1, 2, 2), 5)
    assert lolvit.variant(name).resolution == (256 if "mobilevit" in name else 224)
