"""Train one network by the recipe and report its accuracy."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import torch
from torch import nn

from runners.data.dataset import Dataset
from runners.records.record import Epoch, Quality
from runners.training.checkpoint import CheckpointError
from runners.training.learner import NonFiniteLoss, Watcher, unwatched
from runners.training.pausable import Training
from runners.training.recipe import Recipe

__all__ = ["CheckpointError", "NonFiniteLoss", "Training", "Watcher", "train"]


def train(
    network: nn.Module,
    dataset: Dataset,
    recipe: Recipe,
    *,
    seed: int,
    device: torch.device,
    watch: Watcher = unwatched,
    go_on: Callable[[Epoch], bool] = lambda epoch: True,
    checkpoint: Path | None = None,
) -> Quality:
    """Train on `dataset.train`, choose on `dataset.val`, report on `dataset.test`.

    Equal seeds give equal results on one machine with one number of threads, however often a
    training is stopped and taken up from its checkpoint. While some process times the device, the
    training waits; its seconds and rates leave that out.

    Args:
        network: trained in place.
        dataset: its three splits.
        recipe: how to train.
        seed: of order, augmentation and dropout.
        device: where to train.
        watch: told after each step.
        go_on: asked after each epoch but the last, and on taking up about the epoch before; False
            ends the training, whose quality so far is returned.
        checkpoint: a file to take up from, written after each epoch, and left there. One that is
            missing, damaged or of another training is no error: the training starts anew.

    Raises:
        NonFiniteLoss: the training diverged.
        DataError: an image of a folder could not be read.
        UserError: the device's lock files cannot be used, or the checkpoint cannot be written.
    """
    run = Training(network, dataset, recipe, seed=seed, device=device)
    if checkpoint is not None:
        with suppress(CheckpointError):
            run.load(checkpoint)
    while run.epochs_done < recipe.epochs and (not run.curve or go_on(run.curve[-1])):
        run.epoch(watch)
        if checkpoint is not None:
            run.save(checkpoint)
    return run.quality()
