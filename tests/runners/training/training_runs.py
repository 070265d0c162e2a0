"""Trainings to run and compare in the tests of this folder."""

from __future__ import annotations

import torch
from torch import nn

from runners.training import Recipe, TrainingRun, train
from tests.runners import tiny

CPU = torch.device("cpu")
# Everything that draws is on, and three epochs of a schedule that moves.
RECIPE = Recipe(
    epochs=3,
    batch_size=8,
    crop_padding=1,
    mixup=0.2,
    cutmix=1.0,
    erasing=0.5,
    learning_rate=3e-3,
    ema_decay=0.9,
)


def make_run(seed=0, recipe=RECIPE, data=None, dropout=0.5, **changes) -> TrainingRun:
    network = changes.pop("network", None) or tiny.network(seed=seed, dropout=dropout, **changes)
    return TrainingRun(network, data or tiny.dataset(), recipe, seed=seed, device=CPU)


def run_training(checkpoint=None, seed=0, **options):
    network = options.pop("network", None) or tiny.network(seed=seed, dropout=0.5)
    recipe = options.pop("recipe", RECIPE)
    data = options.pop("data", None) or tiny.dataset()
    result = train(network, data, recipe, seed=seed, device=CPU, checkpoint=checkpoint, **options)
    assert result.stopped == (result.quality.test_accuracy is None)
    return result.quality


def stop(quality):
    """A `should_continue` that stops after the first epoch."""
    return False


def without_times(quality):
    values = quality.model_dump(exclude={"train_seconds"})
    for point in values["curve"]:
        del point["images_per_s"]
    return values


def same(one, other):
    """Equal in every bit, nested dicts and lists of tensors included."""
    if isinstance(one, torch.Tensor):
        return one.dtype == other.dtype and torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other


def learned(run):
    """All of a state but the clock's part."""
    return run.state_dict()["learner"]


class Windowed(nn.Module):
    """A setting without a tensor of its own, and a buffer that no state_dict holds."""

    def __init__(self, window=2):
        super().__init__()
        self.inner, self._window = tiny.network(dropout=0.5), window
        self.register_buffer("steps", torch.zeros(()), persistent=False)

    def forward(self, x):
        if self.training:
            self.steps += 1
        return self.inner(x) * (1 + self.steps / 7) / self._window
