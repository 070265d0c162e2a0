"""Peak memory: at least what must be there, not absurdly more, and an error where none is known."""

from __future__ import annotations

import os

import pytest
import torch

import lolvit
from runners.measure import memory
from runners.measure.memory import peak_memory

CPU = torch.device("cpu")


def peak(name, resolution=32, **changes):
    return peak_memory(lolvit.variant(name, resolution=resolution, **changes), CPU)


def weights_bytes(name, **changes):
    network = lolvit.build(lolvit.variant(name, resolution=32, **changes), seed=0)
    return sum(parameter.numel() * parameter.element_size() for parameter in network.parameters())


def test_big_weights_show():
    many = 20_000  # a classifier of 1280 x 20,000 weights: 98 MiB
    weights = weights_bytes("lolvit_xs", num_classes=many)
    assert weights > 98 * 2**20
    # What drawing the initial values needs is no part of an inference.
    assert weights <= peak("lolvit_xs", num_classes=many) < weights + 30 * 2**20


def test_big_maps_show():
    # The stem writes half the side squared of at least 4 channels, 4 bytes each, and reads 3.
    side, small = 1024, peak("ghostnet_0.5", 64)
    image = 3 * side**2 * 4
    stem = 8 * (side // 2) ** 2 * 4
    found = peak("ghostnet_0.5", side)
    assert found - small >= image + stem
    assert found < 400 * 2**20


def test_more_is_more_and_repeats():
    first, again, larger = peak("lolvit_xs"), peak("lolvit_xs"), peak("lolvit_m")
    assert first > weights_bytes("lolvit_xs")
    assert abs(first - again) < 4 * 2**20
    assert larger - first > (weights_bytes("lolvit_m") - weights_bytes("lolvit_xs")) / 2


def die(architecture, sender):
    os._exit(7)


def killed(architecture, sender):
    os.kill(os.getpid(), 9)


@pytest.mark.parametrize(("death", "code"), [(die, 7), (killed, -9)])
def test_a_child_that_dies_is_an_error(monkeypatch, death, code):
    monkeypatch.setattr(memory, "_measure_child", death)
    with pytest.raises(RuntimeError, match=f"ended with exit code {code}$"):
        peak("lolvit_nano")


def test_the_parent_keeps_its_random_state_and_threads():
    torch.manual_seed(3)
    state, threads = torch.get_rng_state(), torch.get_num_threads()
    peak("lolvit_nano")
    assert torch.equal(torch.get_rng_state(), state) and torch.get_num_threads() == threads
