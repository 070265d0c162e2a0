"""The training loop: every network of the suite is trained by `train`."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import torch
from torch import nn

from runners.data.dataset import Dataset
from runners.records.record import Quality, TrainingResult
from runners.training.checkpoint import CheckpointError
from runners.training.recipe import Recipe
from runners.training.trainer import OnStep, ignore_step
from runners.training.training_run import TrainingRun

ShouldContinue = Callable[[Quality], bool]
"""Called with the quality so far, not tested; False stops the training."""


def train(
    network: nn.Module,
    dataset: Dataset,
    recipe: Recipe,
    *,
    seed: int,
    device: torch.device,
    on_step: OnStep = ignore_step,
    should_continue: ShouldContinue = lambda quality: True,
    checkpoint: Path | None = None,
) -> TrainingResult:
    """Train on `dataset.train`, select weights on `dataset.val`, report on `dataset.test`.

    Equal seeds give equal results on one machine with one number of threads, however often a
    training is stopped and resumed from its checkpoint. While any process times the device, the
    training waits; its seconds and rates exclude the wait.

    Args:
        network: trained in place.
        dataset: its three splits.
        recipe: how to train.
        seed: of order, augmentation and dropout.
        device: where to train.
        on_step: called after each step.
        should_continue: called after each epoch but the last, once its checkpoint is written, and
            on resuming, for the epoch before.
        checkpoint: a file to resume from, rewritten after each epoch and never removed. If it is
            missing, damaged or of another training, the training starts anew.

    Raises:
        NonFiniteLoss: the training diverged.
        DataError: an image of a folder could not be read.
        UserError: the device's lock files cannot be used, or the checkpoint cannot be written.
    """
    run = TrainingRun(network, dataset, recipe, seed=seed, device=device)
    if checkpoint is not None:
        with suppress(CheckpointError):
            run.load(checkpoint)
    while not run.is_finished:
        if run.curve:
            quality = run.quality(tested=False)
            if not should_continue(quality):
                return TrainingResult(quality, stopped=True)
        run.train_epoch(on_step)
        if checkpoint is not None:
            run.save(checkpoint)
    return TrainingResult(run.quality(), stopped=False)
