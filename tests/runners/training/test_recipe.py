"""The recipe, its schedule and its averaged weights."""

from __future__ import annotations

import json
import math

import pytest
import torch
from torch import nn

from runners.records.errors import UserError
from runners.training.recipe import LONG, SHORT, Recipe, recipe_for
from runners.training.trainer import make_average, warmup_cosine


@pytest.mark.parametrize("name", ["epochs", "batch_size"])
@pytest.mark.parametrize("value", [0, -1, 1.5, "3", None, True])
def test_epochs_and_batch_size_are_positive_integers(name, value):
    with pytest.raises(UserError, match=f"^{name} must be an integer of at least 1, got "):
        Recipe(**({"epochs": 1} | {name: value}))


@pytest.mark.parametrize("value", [0.0, -1e-3, math.nan, math.inf, -math.inf])
def test_the_learning_rate_is_positive_and_finite(value):
    with pytest.raises(UserError, match=r"^learning_rate must be above 0, got "):
        Recipe(epochs=1, learning_rate=value)


def test_recipes_are_plain_data():
    assert Recipe(**json.loads(json.dumps(LONG.to_dict()))) == LONG
    assert recipe_for("fashion-mnist-mini") == SHORT
    assert recipe_for("folder:somewhere") == recipe_for("cifar10") == LONG


@pytest.mark.parametrize(("steps", "warmup"), [(1, 0.0), (1, 1.0), (7, 0.3), (100, 0.05), (9, 0)])
def test_warmup_and_cosine_of_the_schedule(steps, warmup):
    share = warmup_cosine(steps, warmup)
    values = [share(step) for step in range(steps + 1)]
    rise = max(1, round(steps * warmup))
    assert all(0 < value <= 1 for value in values[:steps])
    assert values[:rise] == pytest.approx([(step + 1) / rise for step in range(rise)])
    assert max(values) == pytest.approx(1)
    falling = values[rise:]
    assert falling == sorted(falling, reverse=True)
    for step in range(rise, steps):
        angle = math.pi * (step - rise) / (steps - rise)
        assert values[step] == pytest.approx((1 + math.cos(angle)) / 2)
    if rise < steps:
        assert values[steps] == pytest.approx(0, abs=1e-12)


class Counting(nn.Module):
    """A weight, a float buffer and an integer buffer."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(2))
        self.register_buffer("mean", torch.zeros(2))
        self.register_buffer("batches", torch.tensor(0))


@pytest.mark.parametrize("decay", [0.0, 0.3, 0.95, 0.999])
def test_the_average_is_the_one_by_hand(decay):
    network = Counting()
    average = make_average(network, decay)
    generator = torch.Generator().manual_seed(0)
    weight = mean = None
    for updates in range(40):
        with torch.no_grad():
            network.weight.copy_(torch.randn(2, generator=generator))
            network.mean.copy_(torch.randn(2, generator=generator))
            network.batches.add_(3)
        average.update_parameters(network)
        if updates == 0:  # the first update is a copy
            weight, mean = network.weight.detach().clone(), network.mean.clone()
        else:
            keep = min(decay, (1 + updates) / (10 + updates))
            weight = keep * weight + (1 - keep) * network.weight.detach()
            mean = keep * mean + (1 - keep) * network.mean
        assert torch.allclose(average.module.weight, weight, atol=1e-6)
        assert torch.allclose(average.module.mean, mean, atol=1e-6)
        assert average.module.batches == 3 * (updates + 1)
        assert average.module.batches.dtype == torch.int64


def test_the_average_is_a_copy():
    network = Counting()
    average = make_average(network, 0.9)
    with torch.no_grad():
        network.weight.add_(1)
    assert torch.equal(average.module.weight, torch.zeros(2))
    average.update_parameters(network)
    assert not average.module.weight.grad_fn
