"""Peak memory: at least what must be there, not absurdly more, and of the network alone."""

from __future__ import annotations

import pytest
import torch

from runners.measure.forms.preparation import prepare
from runners.measure.forms.variant import DEPLOY, EAGER, ONNX, FormVariant, PreparedForm
from runners.measure.memory.peak import inference_peak, resident_peak, training_peak
from runners.measure.targets import MixerTarget, NetworkTarget, parse_target
from runners.processes.isolated import run_isolated
from tests.runners.measure.odd_targets import Odd

CPU = torch.device("cpu")
MIB = 2**20


def peak(target, form=EAGER, prepared=PreparedForm()):  # noqa: B008  (frozen)
    return run_isolated(100, inference_peak, FormVariant(target, form), prepared, CPU)


def training(target):
    return run_isolated(100, training_peak, target, CPU)


def weights_bytes(target):
    return sum(weight.numel() * weight.element_size() for weight in target.build().parameters())


def test_big_weights_show():
    many = 20_000  # a classifier of 1280 x 20,000 weights: 98 MiB
    architecture = parse_target("lolvit_xs@32").architecture
    target = NetworkTarget("big", type(architecture)(**vars(architecture) | {"num_classes": many}))
    weights = weights_bytes(target)
    assert weights > 98 * MIB
    # What drawing the initial values needs is no part of an inference, nor is a second copy.
    assert weights <= peak(target) < weights + 30 * MIB


def test_weights_of_common_size_show_once():
    target = parse_target("lolvit_m@64")
    weights = weights_bytes(target)
    assert weights > 30 * MIB
    assert weights <= peak(target) < 1.8 * weights


def test_big_maps_show():
    # The stem writes half the side squared of at least 8 channels, 4 bytes each.
    side, small = 1024, peak(parse_target("ghostnet_0.5@64"))
    stem = 8 * (side // 2) ** 2 * 4
    found = peak(parse_target(f"ghostnet_0.5@{side}"))
    assert stem <= found - small
    assert found < 400 * MIB


def test_a_map_that_is_gone_in_the_end_shows(tmp_path):
    """4 MiB of weights and a map of 8 MiB; in training also gradients, moments, and 8 images."""
    assert 12 * MIB <= peak(Odd("Wide")) < 24 * MIB
    assert (8 * 8 + 4 * 4) * MIB <= training(Odd("Wide")) < 300 * MIB


@pytest.mark.parametrize("form", [EAGER, DEPLOY, ONNX])
def test_what_a_form_loads_is_no_memory_of_the_network(tmp_path, form):
    file, prepared = tmp_path / "network.onnx", PreparedForm()
    for name in ("Nothing", "Plain"):
        if form == ONNX:
            prepared = run_isolated(100, prepare, FormVariant(Odd(name), form), CPU, 1, file, 2)
        assert 0 <= peak(Odd(name), form, prepared) < 8 * MIB


@pytest.mark.parametrize("name", ["Nothing", "Plain", "Several"])
def test_what_training_loads_is_no_memory_of_the_network(name):
    assert 0 <= training(Odd(name)) < 8 * MIB


@pytest.mark.parametrize("text", ["lolvit_nano@32x32x1", "lolvit_xs@32", "linear@28x28x64"])
def test_training_needs_more(text):
    target = parse_target(text)
    inference, trained = peak(target), training(target)
    # Weights, their gradients and two moments of each.
    assert trained > max(inference, 4 * weights_bytes(target))


def test_more_is_more_and_repeats():
    first, again, larger = (peak(parse_target(f"lolvit_{size}@32")) for size in ("xs", "xs", "m"))
    assert first > weights_bytes(parse_target("lolvit_xs@32"))
    assert abs(first - again) < 4 * MIB
    assert larger > first
    maps = [
        training(MixerTarget("x", parse_target("linear").mixer, 64, 4, side)) for side in (14, 56)
    ]
    assert maps[1] > 4 * maps[0]


def test_a_mark_is_lowered_to_what_is_held():
    """In a process of its own: others of this one would be seen, too."""
    low, high, after = run_isolated(100, marks)
    assert high - low >= 60 * MIB
    assert after - low < 10 * MIB


def marks():
    low = resident_peak(reset=True)
    many = [torch.ones(2**14) for _ in range(1000)]  # 64 KiB each: the heap keeps those
    high = resident_peak()
    del many
    return low, high, resident_peak(reset=True)
