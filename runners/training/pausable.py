"""A training that can pause after each epoch, be put away and go on exactly."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from runners.data.dataset import Dataset
from runners.machine.device_lock import DeviceShare, share_for_training
from runners.records.errors import named_line
from runners.records.record import Epoch, Quality
from runners.training import checkpoint
from runners.training.checkpoint import CheckpointError
from runners.training.learner import Learner, Watcher, unwatched
from runners.training.recipe import Recipe


class Training:
    """One training: network, averaged copy, optimiser and schedule; it can pause after any epoch.

    The device is held only while something is computed, and what else draws random numbers in
    between changes nothing. An epoch that ends in an error leaves a training that is of no use
    until `load` or `restore`.

    Attributes:
        curve: the epochs so far.
        seconds: they took, before and after a resume, without waiting for timings.
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
        """Start anew: `network` is moved to the device and trained in place.

        Raises:
            DataError: an image of a folder could not be read.
            UserError: the device's lock files cannot be used.
            RuntimeError: this thread holds the device already.
        """
        self.curve: list[Epoch] = []
        self.seconds = 0.0
        self._unfinished = False
        self._dataset, self._recipe, self._device = dataset, recipe, device
        self._identity = checkpoint.identity(network, dataset, recipe, seed, device)
        with share_for_training(device):
            self._learner = Learner(network, dataset, recipe, seed, device)

    @property
    def epochs_done(self) -> int:
        """How many of the recipe's epochs are trained."""
        return len(self.curve)

    def epoch(self, watch: Watcher = unwatched) -> Epoch:
        """Train the next epoch, holding the device meanwhile.

        Raises:
            NonFiniteLoss: the training diverged.
            DataError: an image of a folder could not be read.
            UserError: the device's lock files cannot be used.
            RuntimeError: all epochs are done, the one before ended in an error, or this thread
                holds the device already.
        """
        self._check()
        if self.epochs_done == self._recipe.epochs:
            raise RuntimeError(f"all {self.epochs_done} epochs are done")
        with self._at_work() as turn:
            self._unfinished = True
            start = turn.clock()
            loss = self._learner.train(self.epochs_done + 1, watch, turn)
            rate = self._learner.images_per_epoch / (turn.clock() - start)
            accuracy = self._learner.accuracy(self._learner.average, self._dataset.val, turn)
            self._learner.random.keep()
            self.seconds += turn.clock() - start
        self.curve.append(
            Epoch(
                epoch=self.epochs_done + 1,
                train_loss=loss,
                val_accuracy=accuracy,
                images_per_s=rate,
            )
        )
        self._unfinished = False
        return self.curve[-1]

    def quality(self, *, tested: bool = True) -> Quality:
        """Test what is trained so far, with the weights that do better on the validation split.

        Its seconds are those of the training and of this test. It has no influence on later epochs.
        With `tested=False` nothing runs: accuracy and weights are those of the last epoch's
        validation.

        Raises:
            DataError: an image of a folder could not be read.
            UserError: the device's lock files cannot be used.
            RuntimeError: no epoch is done, the last one ended in an error, or this thread holds the
                device already.
        """
        self._check()
        if not self.curve:
            raise RuntimeError("no epoch is done: there is nothing to test")
        if not tested:
            return self._quality(None, self.curve[-1].val_accuracy, "ema", self.seconds)
        with self._at_work() as turn:
            start = turn.clock()
            raw = self._learner.accuracy(self._learner.network, self._dataset.val, turn)
            chosen, weights = self._learner.average.module, "ema"
            if raw > self.curve[-1].val_accuracy:
                chosen, weights = self._learner.network, "raw"
            test = self._learner.accuracy(chosen, self._dataset.test, turn)
            val = max(raw, self.curve[-1].val_accuracy)
            return self._quality(test, val, weights, self.seconds + turn.clock() - start)

    def _quality(self, test: float | None, val: float, weights: str, seconds: float) -> Quality:
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

    def state(self) -> dict[str, Any]:
        """All it takes to go on exactly: a copy in plain types and tensors on the CPU.

        Raises:
            RuntimeError: the last epoch ended in an error.
        """
        self._check()
        return self._state()

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from what `state` returned.

        Raises:
            CheckpointError: it is of another network, data set, recipe, seed or kind of device, or
                incomplete; then this training is what it was.
        """
        self._check_identity(state)
        before = self._state()
        try:
            self._apply(state)
        except Exception as error:  # whatever is wrong inside a dict that claims to be a state
            self._apply(before)
            raise CheckpointError(f"no state of a training: {named_line(error)}") from error
        self._unfinished = False

    def save(self, path: Path) -> None:
        """Write `state` to a file, which is never seen half written; see `checkpoint.write`.

        Raises:
            UserError: the file cannot be written.
            RuntimeError: the last epoch ended in an error.
        """
        checkpoint.write(path, self.state())

    def load(self, path: Path) -> None:
        """`restore` what `save` wrote.

        Raises:
            CheckpointError: missing, damaged or of another training; then this one is what it was.
        """
        state = checkpoint.read(path)
        try:
            self.restore(state)
        except CheckpointError as error:
            raise CheckpointError(f"checkpoint {path}: {error}") from error

    def _state(self) -> dict[str, Any]:
        return {
            "identity": checkpoint.snapshot(self._identity),
            "learner": self._learner.state(),
            "curve": [point.model_dump() for point in self.curve],
            "seconds": self.seconds,
        }

    def _apply(self, state: dict[str, Any]) -> None:
        self._learner.restore(state["learner"])
        self.curve = [Epoch(**point) for point in state["curve"]]
        self.seconds = float(state["seconds"])

    def _check_identity(self, state: dict[str, Any]) -> None:
        theirs = state.get("identity")
        if not isinstance(theirs, dict):
            raise CheckpointError("no state of a training: it does not say of which")
        others = [key for key, mine in self._identity.items() if theirs.get(key) != mine]
        if others:
            raise CheckpointError(f"of a training with another {', '.join(others)}")

    def _check(self) -> None:
        if self._unfinished:
            raise RuntimeError("the last epoch ended in an error: load a checkpoint first")

    @contextmanager
    def _at_work(self) -> Iterator[DeviceShare]:
        with share_for_training(self._device) as turn, self._learner.random.installed():
            yield turn
