"""Peak memory: at least the necessary amount, not absurdly more, and of the network only."""

from __future__ import annotations

import pytest
import torch

from runners.measure.forms.preparation import prepare_form
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


def test_large_maps_count():
    # The stem writes half the side squared of at least 8 channels, 4 bytes each.
    side, small = 1024, peak(parse_target("ghostnet_0.5@64"))
    stem = 8 * (side // 2) ** 2 * 4
    large = peak(parse_target(f"ghostnet_0.5@{side}"))
    assert stem <= large - small
    assert large < 400 * MIB


def test_temporary_maps_count(tmp_path):
    """4 MiB of weights and a map of 8 MiB; in training also gradients, moments, and 8 images."""
    assert 12 * MIB <= peak(Odd("Wide")) < 24 * MIB
    assert (8 * 8 + 4 * 4) * MIB <= training(Odd("Wide")) < 300 * MIB


@pytest.mark.parametrize("form", [EAGER, DEPLOY, ONNX])
def test_libraries_of_a_form_do_not_count(tmp_path, form):
    file, prepared = tmp_path / "network.onnx", PreparedForm()
    for name in ("Nothing", "Plain"):
        if form == ONNX:
            prepared = run_isolated(
                100, prepare_form, FormVariant(Odd(name), form), CPU, 1, file, 2
            )
        assert 0 <= peak(Odd(name), form, prepared) < 8 * MIB


@pytest.mark.parametrize("name", ["Nothing", "Plain", "Several"])
def test_libraries_of_training_do_not_count(name):
    assert 0 <= training(Odd(name)) < 8 * MIB


@pytest.mark.parametrize("text", ["lolvit_nano@32x32x1", "lolvit_xs@32", "linear@28x28x64"])
def test_training_needs_more_than_inference(text):
    target = parse_target(text)
    inference, trained = peak(target), training(target)
    # Weights, their gradients and two moments of each.
    assert trained > max(inference, 4 * weights_bytes(target))


def test_peaks_are_reproducible_and_grow_with_size():
    first, again, larger = (peak(parse_target(f"lolvit_{size}@32")) for size in ("xs", "xs", "m"))
    assert first > weights_bytes(parse_target("lolvit_xs@32"))
    assert abs(first - again) < 4 * MIB
    assert larger > first
    maps = [
        training(MixerTarget("x", parse_target("linear@14").mixer, 64, 4, side))
        for side in (14, 56)
    ]
    assert maps[1] > 4 * maps[0]


def test_reset_lowers_the_peak_to_the_current_size():
    """In a process of its own: other threads of this one would count."""
    low, high, after = run_isolated(100, measure_peaks)
    assert high - low >= 60 * MIB
    assert after - low < 10 * MIB


def measure_peaks():
    low = resident_peak(reset=True)
    many = [torch.ones(2**14) for _ in range(1000)]  # 64 KiB each: the heap keeps those
    high = resident_peak()
    del many
    return low, high, resident_peak(reset=True)
