"""MACs by side equal counted ones, without memory for weights."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from attention_zoo import entries
from runners.measure.counting import UncountedOperator, count_macs, macs_by_side
from runners.measure.targets import (
    FactoryTarget,
    InputShape,
    NetworkTarget,
    TargetError,
    parse_target,
)
from tests.runners import tiny
from tests.runners.measure.odd_targets import Odd

NETWORKS = [
    *(NetworkTarget(mixer, tiny.architecture(mixer)) for mixer in ("none", "fwa", "linear")),
    *(parse_target(text) for text in ("ghostnet_0.5@64", "mobilevit_xxs@64")),
]
FOREIGN = [
    Odd("Plain"),
    Odd("Several"),
    FactoryTarget("x", "torch.nn", "ReLU", InputShape(3, 8, 8)),
]


def counted_by_side(target, sides):
    module = target.build()
    return {side: count_macs(module, target.shape.channels, side, side).total for side in sides}


@pytest.mark.parametrize("target", NETWORKS, ids=lambda target: target.name)
def test_networks(target):
    sides = [target.shape.height * factor // 2 for factor in (2, 3, 4)]
    assert macs_by_side(target, sides) == counted_by_side(target, sides)


@pytest.mark.parametrize("name", sorted(entries()))
def test_mixers(name):
    target = parse_target(f"{name}@8x8x16")
    sides = (14, 4, 8)
    macs = macs_by_side(target, sides)
    assert list(macs) == list(sides) and macs == counted_by_side(target, sides)


@settings(max_examples=15)
@given(st.sampled_from(("fwa", "linear", "window")), st.integers(1, 20), st.sampled_from((8, 24)))
def test_mixers_of_any_side(name, side, width):
    target = parse_target(f"{name}@8x8x{width}")
    assert macs_by_side(target, [side]) == counted_by_side(target, [side])


@pytest.mark.parametrize("target", FOREIGN, ids=lambda target: target.name)
def test_foreign_networks_are_counted(target):
    sides = (5, 8, 16)
    assert macs_by_side(target, sides) == counted_by_side(target, sides)


def test_a_foreign_network_by_hand():
    assert macs_by_side(Odd("Plain"), (8, 3)) == {8: 64 * 180, 3: 9 * 180}
    assert macs_by_side(Odd("Plain", claimed_macs=7), (8,)) == {8: 7}  # a formula comes first
    assert macs_by_side(Odd("Plain"), ()) == {}


def test_a_formula_runs_nothing():
    """A forward pass would take an hour and more memory than any machine has."""
    target = parse_target("softmax@8x8x512")
    (macs,) = macs_by_side(target, [10**5]).values()
    assert macs > 2 * 10**20 * 512


@pytest.mark.parametrize(
    ("target", "side", "error", "message"),
    [
        (Odd("Uncounted"), 8, UncountedOperator, "aten::_fft_c2c"),
        (Odd("Wide"), 9, RuntimeError, "shape"),
        (Odd("Plain", refused="no"), 8, TargetError, "^no$"),
    ],
)
def test_errors(target, side, error, message):
    with pytest.raises(error, match=message):
        macs_by_side(target, [side])


def test_the_device_and_the_random_state_are_unchanged():
    torch.manual_seed(1)
    state = torch.get_rng_state()
    for target in (NETWORKS[1], parse_target("fwa@8x8x16"), Odd("Plain")):
        macs_by_side(target, [16])
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.zeros(1).device.type == "cpu"
