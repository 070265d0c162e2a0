"""Every field of a recipe has an effect on the training."""

from __future__ import annotations

import dataclasses
import functools

import pytest
import torch

from runners.training import Recipe
from runners.training.trainer import Trainer, ignore_step
from tests.runners import tiny

BASE = Recipe(epochs=2, batch_size=8, learning_rate=3e-3, weight_decay=0.05)
CHANGED = {
    "epochs": 5,
    "batch_size": 12,
    "learning_rate": 6e-3,
    "weight_decay": 0.5,
    "warmup": 0.9,
    "label_smoothing": 0.0,
    "ema_decay": 0.05,
    "crop_padding": 2,
    "flip": False,
    "mixup": 0.5,
    "cutmix": 1.0,
    "erasing": 1.0,
    "amp": True,
}


class UncontestedShare:
    """A device that nobody times."""

    def yield_to_timing(self):
        pass


@functools.cache
def train_one_epoch(recipe):
    """The mean loss, the weights and the averaged weights after a few steps."""
    trainer = Trainer(tiny.network(), tiny.dataset(24), recipe, 0, torch.device("cpu"))
    loss = trainer.train_epoch(1, ignore_step, UncontestedShare())
    weights, average = (
        torch.cat([parameter.detach().flatten() for parameter in network.parameters()])
        for network in (trainer.network, trainer.average)
    )
    return loss, weights, average


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(Recipe)])
def test_changing_a_field_changes_the_training(name):
    assert getattr(BASE, name) != CHANGED[name]
    loss, weights, average = train_one_epoch(BASE)
    changed = train_one_epoch(dataclasses.replace(BASE, **{name: CHANGED[name]}))
    assert not torch.equal(changed[2], average)
    if name == "ema_decay":  # of the average only
        assert changed[0] == loss and torch.equal(changed[1], weights)
    else:
        assert not torch.equal(changed[1], weights)


def test_equal_recipes_train_equally():
    # Without this, the test above would show nothing.
    loss, weights, average = train_one_epoch.__wrapped__(BASE)
    again = train_one_epoch.__wrapped__(BASE)
    assert again[0] == loss
    assert torch.equal(again[1], weights) and torch.equal(again[2], average)
