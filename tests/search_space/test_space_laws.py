"""Properties of every space, checked on small enumerated ones and on sampled presets."""

from __future__ import annotations

import itertools
import json
import pickle
import subprocess
import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from spaces import all_values, key, spaces

import attention_zoo
from search_space import PRESETS, Choice, Integer, SpaceError, from_dict, load
from search_space import Space as SearchSpace


@settings(max_examples=60)
@given(space=spaces())
def test_size_grid_and_architectures_agree(space):
    hash_by_active, active_by_hash = {}, {}
    for values in all_values(space):
        active = key(space.active(values))
        hash_ = space.architecture(values).hash
        assert hash_by_active.setdefault(active, hash_) == hash_
        assert active_by_hash.setdefault(hash_, active) == active
    grid = [key(space.active(values)) for values in space.grid()]
    assert len(grid) == len(set(grid)) == space.size()
    assert set(grid) == set(hash_by_active)


@settings(max_examples=60)
@given(space=spaces(), data=st.data())
def test_inactive_values_change_nothing(space, data):
    values = space.sample(np.random.default_rng(data.draw(st.integers(0, 99))))
    active = space.active(values)
    other = space.sample(np.random.default_rng(data.draw(st.integers(0, 99)))) | active
    assert space.active(other) == active
    assert space.architecture(other) == space.architecture(values)


@settings(max_examples=60)
@given(space=spaces(), seed=st.integers(0, 99))
def test_locate_inverts_architecture(space, seed):
    architecture = space.architecture(space.sample(np.random.default_rng(seed)))
    values = space.locate(architecture)
    assert set(values) == {dimension.name for dimension in space.dimensions}
    assert space.architecture(values).hash == architecture.hash


@settings(max_examples=40)
@given(space=spaces())
def test_space_survives_json_and_pickle(space):
    text = json.dumps(space.to_dict(), allow_nan=False)
    assert from_dict(json.loads(text)) == space
    assert pickle.loads(pickle.dumps(space)) == space
    assert json.dumps(from_dict(json.loads(text)).to_dict()) == text


@pytest.mark.parametrize("name", PRESETS)
@settings(max_examples=40)
@given(seed=st.integers(0, 10**6))
def test_preset_samples_are_located(name, seed):
    space = load(name)
    architecture = space.architecture(space.sample(np.random.default_rng(seed)))
    assert space.architecture(space.locate(architecture)).hash == architecture.hash


@pytest.mark.parametrize("name", PRESETS)
def test_preset_default_is_its_base(name):
    space = load(name)
    assert space.architecture(space.default) == space.base
    assert from_dict(space.to_dict()) == space


@pytest.mark.parametrize("name", PRESETS)
def test_preset_mixers_can_be_built(name):
    """With every combination of their options, whose values only the mixer checks."""
    space = load(name)
    mixer_dimensions = [d for d in space.dimensions if d.name.partition(".")[0] == "mixer"]
    choices = {m for d in mixer_dimensions for m in d.values} or {m.name for m in space.base.mixers}
    for mixer in choices:
        name = mixer.partition(":")[0]
        searched = [d for d in space.dimensions if d.name.startswith(f"{name}.")]
        for combination in itertools.product(*(d.values for d in searched)):
            options = {d.name: v for d, v in zip(searched, combination, strict=True)}
            hosts = {d.name: mixer for d in mixer_dimensions if mixer in d.values}
            architecture = space.architecture({**space.default, **hosts, **options})
            config = next(m for m in architecture.mixers if m.name == name)
            with torch.device("meta"):
                attention_zoo.build(name, dim=32, num_heads=2, **dict(config.options))


def test_preset_sizes():
    assert load("tiny").size() == sum(1 for _ in load("tiny").grid())
    assert 10**6 < load("paper").size() < 10**8
    assert load("full").size() > 10**20


def test_grid_is_lazy_and_deterministic():
    first, second = load("full").grid(), load("full").grid()
    assert [next(first) for _ in range(20)] == [next(second) for _ in range(20)]


def test_size_equals_a_count_by_hand():
    space = SearchSpace(
        load("tiny").base,
        (
            Choice("blocks.4", (0, 1)),
            Choice("blocks.5", (0, 1)),
            Choice("blocks.3", (0,)),
            Choice("mixer", ("fwa", "linear")),
            Choice("fwa.window", ("sqrt", 2, 4)),
            Integer("depth.4", 1, 3),
            Integer("after.4", 0, 5),
        ),
    )
    mixers = 3 + 1
    without = 3  # depths, no blocks at all
    only_5 = 3 * mixers
    with_4 = 2 * (1 + 2 + 3) * mixers
    assert space.size() == without + only_5 + with_4


def test_torch_is_not_imported():
    code = (
        "import sys, search_space as s\n"
        "space = s.load('full')\n"
        "space.architecture(space.default); space.size()\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_invalid_values_are_refused():
    space = load("tiny")
    for values, part in (
        ({**space.default, "wdth": 1}, "'width'"),
        ({**space.default, "width": 0.21}, "0.21"),
        ({"width": 0.2}, "depth.3"),
    ):
        with pytest.raises(SpaceError, match=part):
            space.architecture(values)
