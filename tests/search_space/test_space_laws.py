"""What holds for every space, small ones walked through and presets drawn from."""

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
from spaces import everything, key, spaces

import attention_zoo
from search_space import PRESETS, Choice, Integer, SpaceError, from_dict, load
from search_space import Space as SearchSpace


@settings(max_examples=60)
@given(space=spaces())
def test_size_grid_and_architectures_agree(space):
    active, hashes = {}, {}
    for values in everything(space):
        exist = key(space.active(values))
        hashed = space.architecture(values).hash
        assert active.setdefault(exist, hashed) == hashed
        assert hashes.setdefault(hashed, exist) == exist
    grid = [key(space.active(values)) for values in space.grid()]
    assert len(grid) == len(set(grid)) == space.size()
    assert set(grid) == set(active)


@settings(max_examples=60)
@given(space=spaces(), data=st.data())
def test_values_that_do_not_exist_change_nothing(space, data):
    values = space.sample(np.random.default_rng(data.draw(st.integers(0, 99))))
    exist = space.active(values)
    other = space.sample(np.random.default_rng(data.draw(st.integers(0, 99)))) | exist
    assert space.active(other) == exist
    assert space.architecture(other) == space.architecture(values)


@settings(max_examples=60)
@given(space=spaces(), seed=st.integers(0, 99))
def test_an_architecture_of_the_space_is_located(space, seed):
    architecture = space.architecture(space.sample(np.random.default_rng(seed)))
    found = space.locate(architecture)
    assert set(found) == {dimension.name for dimension in space.dimensions}
    assert space.architecture(found).hash == architecture.hash


@settings(max_examples=40)
@given(space=spaces())
def test_plain_json_is_the_same_space(space):
    text = json.dumps(space.to_dict(), allow_nan=False)
    assert from_dict(json.loads(text)) == space
    assert pickle.loads(pickle.dumps(space)) == space
    assert json.dumps(from_dict(json.loads(text)).to_dict()) == text


@pytest.mark.parametrize("name", PRESETS)
@settings(max_examples=40)
@given(seed=st.integers(0, 10**6))
def test_presets_give_architectures(name, seed):
    space = load(name)
    architecture = space.architecture(space.sample(np.random.default_rng(seed)))
    assert space.architecture(space.locate(architecture)).hash == architecture.hash


@pytest.mark.parametrize("name", PRESETS)
def test_presets_start_at_their_base(name):
    space = load(name)
    assert space.architecture(space.default) == space.base
    assert from_dict(space.to_dict()) == space


@pytest.mark.parametrize("name", PRESETS)
def test_mixers_of_presets_can_be_built(name):
    """With every combination of their options: what they may be is checked only there."""
    space = load(name)
    places = [d for d in space.dimensions if d.name.partition(".")[0] == "mixer"]
    offered = {m for d in places for m in d.values} or {m.name for m in space.base.mixers}
    for mixer in offered:
        word = mixer.partition(":")[0]
        searched = [d for d in space.dimensions if d.name.startswith(f"{word}.")]
        for combination in itertools.product(*(d.values for d in searched)):
            options = {d.name: v for d, v in zip(searched, combination, strict=True)}
            hosts = {place.name: mixer for place in places if mixer in place.values}
            made = space.architecture({**space.default, **hosts, **options})
            found = next(m for m in made.mixers if m.name == word)
            with torch.device("meta"):
                attention_zoo.build(word, dim=32, num_heads=2, **dict(found.options))


def test_sizes_of_presets():
    assert load("tiny").size() == sum(1 for _ in load("tiny").grid())
    assert 10**6 < load("paper").size() < 10**8
    assert load("full").size() > 10**20


def test_the_grid_is_lazy_and_always_the_same():
    one, other = load("full").grid(), load("full").grid()
    assert [next(one) for _ in range(20)] == [next(other) for _ in range(20)]


def test_ways_of_counting_by_hand():
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


def test_no_torch_is_imported():
    code = (
        "import sys, search_space as s\n"
        "space = s.load('full')\n"
        "space.architecture(space.default); space.size()\n"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_values_are_checked():
    space = load("tiny")
    for values, named in (
        ({**space.default, "wdth": 1}, "'width'"),
        ({**space.default, "width": 0.21}, "0.21"),
        ({"width": 0.2}, "depth.3"),
    ):
        with pytest.raises(SpaceError, match=named):
            space.architecture(values)
