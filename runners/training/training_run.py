"""Train a network: in one call, or epoch by epoch, to be saved and continued exactly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from torch import nn

from runners.data.dataset import Dataset
from runners.machine.device_lock import DeviceShare, share_for_training
from runners.records.errors import named_line
from runners.records.record import Epoch, Quality, TrainingResult
from runners.training import checkpoint
from runners.training.checkpoint import CheckpointError
from runners.training.recipe import Recipe
from runners.training.trainer import OnStep, Trainer, ignore_step

ShouldContinue = Callable[[Quality], bool]
"""Called with the quality so far, not tested; False stops the training."""


class TrainingRun:
    """One training, epoch by epoch.

    The device is held only while something is computed, and random numbers drawn elsewhere in
    between change nothing. After an epoch that ended in an error, only `load` and
    `load_state_dict` may be called.

    Args:
        network: moved to the device and trained in place.

    Attributes:
        curve: the epochs so far.
        seconds: their duration, across resumes, without waiting for timings.

    Raises:
        DataError: an image of a folder could not be read; here, in `train_epoch` and `quality`.
        UserError: the device's lock files cannot be used; likewise.
        RuntimeError: this thread holds the device already; likewise.
    """

    def __init__(
        self,
        network: nn.Module,
        dataset: Dataset,
        recipe: Recipe,
        *,
        seed: int,
        device: torch.device,
    ) -> None:
        self.curve: list[Epoch] = []
        self.seconds = 0.0
        self._is_broken = False
        self._dataset, self._recipe, self._device = dataset, recipe, device
        self._identity = checkpoint.training_identity(network, dataset, recipe, seed, device)
        with share_for_training(device):
            self._trainer = Trainer(network, dataset, recipe, seed, device)

    @property
    def epochs_done(self) -> int:
        """How many of the recipe's epochs are trained."""
        return len(self.curve)

    @property
    def is_finished(self) -> bool:
        """Whether all epochs of the recipe are trained."""
        return self.epochs_done >= self._recipe.epochs

    def train_epoch(self, on_step: OnStep = ignore_step) -> Epoch:
        """Train the next epoch, holding the device meanwhile.

        Raises:
            NonFiniteLoss: the training diverged.
            RuntimeError: all epochs are done, or the one before ended in an error.
        """
        self._check_usable()
        if self.is_finished:
            raise RuntimeError(f"all {self.epochs_done} epochs are done")
        number = self.epochs_done + 1
        with self._hold_device() as share:
            self._is_broken = True
            start = share.clock()
            loss = self._trainer.train_epoch(number, on_step, share)
            rate = self._trainer.images_per_epoch / (share.clock() - start)
            accuracy = self._trainer.measure_accuracy(
                self._trainer.average, self._dataset.val, share
            )
            self._trainer.random.capture()
            self.seconds += share.clock() - start
        self.curve.append(
            Epoch(epoch=number, train_loss=loss, val_accuracy=accuracy, images_per_s=rate)
        )
        self._is_broken = False
        return self.curve[-1]

    def quality(self, *, tested: bool = True) -> Quality:
        """Test the weights, raw or averaged, that do better on the validation split.

        Its seconds are those of the training and of this test. It does not affect later epochs.
        With `tested=False` nothing runs: accuracy and weights are those of the last epoch's
        validation.

        Raises:
            RuntimeError: no epoch is done, or the last one ended in an error.
        """
        self._check_usable()
        if not self.curve:
            raise RuntimeError("no epoch is done: there is nothing to test")
        test, val = None, self.curve[-1].val_accuracy
        weights, seconds = "ema", self.seconds
        if tested:
            measure_accuracy = self._trainer.measure_accuracy
            with self._hold_device() as share:
                start = share.clock()
                raw = measure_accuracy(self._trainer.network, self._dataset.val, share)
                chosen = self._trainer.average.module
                if raw > val:
                    chosen, weights, val = self._trainer.network, "raw", raw
                test = measure_accuracy(chosen, self._dataset.test, share)
                seconds += share.clock() - start
        return Quality(
            test_accuracy=test,
            val_accuracy=val,
            curve=list(self.curve),
            weights=weights,
            epochs=self.epochs_done,
            train_images=len(self._dataset.train),
            val_images=len(self._dataset.val),
            test_images=len(self._dataset.test),
            train_seconds=seconds,
        )

    def state_dict(self) -> dict[str, Any]:
        """All it takes to continue exactly: a copy in plain types and tensors on the CPU.

        Raises:
            RuntimeError: the last epoch ended in an error.
        """
        self._check_usable()
        return self._state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue from what `state_dict` returned.

        Raises:
            CheckpointError: it is of another network, data set, recipe, seed or kind of device, or
                incomplete; then this training is unchanged.
        """
        identity = state.get("identity")
        if not isinstance(identity, dict):
            raise CheckpointError("not the state of a training: no identity in it")
        different = [key for key, own in self._identity.items() if identity.get(key) != own]
        if different:
            raise CheckpointError(f"of a training with another {', '.join(different)}")
        before = self._state_dict()
        try:
            self._apply(state)
        except Exception as error:  # whatever is wrong inside a dict that claims to be a state
            self._apply(before)
            raise CheckpointError(f"not the state of a training: {named_line(error)}") from error
        self._is_broken = False

    def save(self, path: Path) -> None:
        """Write `state_dict` to a file, which is never seen half written.

        Raises:
            UserError: the file cannot be written.
            RuntimeError: the last epoch ended in an error.
        """
        checkpoint.save_state(path, self.state_dict())

    def load(self, path: Path) -> None:
        """Load what `save` wrote.

        Raises:
            CheckpointError: missing, damaged or of another training; then this one is unchanged.
        """
        state = checkpoint.load_state(path)
        try:
            self.load_state_dict(state)
        except CheckpointError as error:
            raise CheckpointError(f"checkpoint {path}: {error}") from error

    def _state_dict(self) -> dict[str, Any]:
        return {
            "identity": checkpoint.copy_to_cpu(self._identity),
            "learner": self._trainer.state_dict(),
            "curve": [point.model_dump() for point in self.curve],
            "seconds": self.seconds,
        }

    def _apply(self, state: dict[str, Any]) -> None:
        self._trainer.load_state_dict(state["learner"])
        self.curve = [Epoch(**point) for point in state["curve"]]
        self.seconds = float(state["seconds"])

    def _check_usable(self) -> None:
        if self._is_broken:
            raise RuntimeError("the last epoch ended in an error: load a checkpoint first")

    @contextmanager
    def _hold_device(self) -> Iterator[DeviceShare]:
        with share_for_training(self._device) as share, self._trainer.random.install():
            yield share


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
