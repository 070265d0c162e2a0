"""What learns: a network, its averaged copy, optimiser, schedule and randomness."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from runners.data.batches import batches
from runners.data.dataset import Dataset, Split
from runners.machine.device_lock import DeviceShare
from runners.training.augment import Normaliser, augment
from runners.training.checkpoint import put_tensors, snapshot, tensors
from runners.training.ema import averaged
from runners.training.optimizer import adamw
from runners.training.randomness import Randomness
from runners.training.recipe import Recipe

_STATISTICS_IMAGES = 10_000
_EVALUATION_BATCH = 250


class NonFiniteLoss(RuntimeError):
    """The loss became NaN or infinite; the message says where."""


Watcher = Callable[[int, int, int], None]
"""Told after each step: epoch, images trained on so far, images that the training will see."""


def unwatched(epoch: int, images: int, total: int) -> None:
    """A watcher that looks away."""


class Learner:
    """Passes over the training split, and evaluations; who calls them holds the device.

    Attributes:
        network: as it was given, on the device.
        average: its moving average.
        random: to be installed around a pass.
        images_per_epoch: without those of a partial batch.
    """

    def __init__(
        self, network: nn.Module, dataset: Dataset, recipe: Recipe, seed: int, device: torch.device
    ) -> None:
        self._split, self._classes = dataset.train, dataset.num_classes
        self._recipe, self._device = recipe, device
        self.random = Randomness(seed, device)
        self.network = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = averaged(self.network, recipe.ema_decay)
        size = len(dataset.train)
        self._batch_size = min(recipe.batch_size, size)
        steps = size // self._batch_size
        self.images_per_epoch = steps * self._batch_size
        # Of all epochs, also where fewer will be trained: stopping changes no step before it.
        self._optimizer, self._schedule = adamw(self.network, recipe, recipe.epochs * steps)
        sample = np.linspace(0, size - 1, min(size, _STATISTICS_IMAGES)).astype(np.int64)
        self._normalise = Normaliser.fit(torch.from_numpy(dataset.train.images(sample))).to(device)

    def train(self, epoch: int, watch: Watcher, turn: DeviceShare) -> float:
        """One pass over the shuffled training split, a partial batch left out; the mean loss.

        Raises:
            NonFiniteLoss: the training diverged.
            DataError: an image of a folder could not be read.
        """
        self.network.train()
        order = self.random.numpy.permutation(len(self._split))[: self.images_per_epoch]
        total = self._recipe.epochs * self.images_per_epoch
        losses = []
        for step, (images, labels) in enumerate(batches(self._split, self._batch_size, order), 1):
            losses.append(self._step(torch.from_numpy(images), torch.from_numpy(labels)))
            if not math.isfinite(losses[-1]):
                raise NonFiniteLoss(f"loss became {losses[-1]} at epoch {epoch}, step {step}")
            watch(epoch, (epoch - 1) * self.images_per_epoch + step * self._batch_size, total)
            turn.yield_to_timing()
        return sum(losses) / len(losses)

    @torch.no_grad()
    def accuracy(self, network: nn.Module, split: Split, turn: DeviceShare) -> float:
        """Share of a split that `network`, this one or the average, classifies correctly."""
        network.eval()
        correct = 0
        for images, labels in batches(split, _EVALUATION_BATCH, np.arange(len(split))):
            x = self._normalise(torch.from_numpy(images).to(self._device))
            with torch.autocast(self._device.type, torch.bfloat16, enabled=self._recipe.amp):
                logits = network(x.contiguous(memory_format=torch.channels_last))
            correct += int((logits.argmax(1).cpu() == torch.from_numpy(labels)).sum())
            turn.yield_to_timing()
        return correct / len(split)

    def state(self) -> dict[str, Any]:
        """All it takes to go on exactly: a copy in plain types and tensors on the CPU."""
        state: dict[str, Any] = {
            "network": tensors(self.network),
            "average": tensors(self.average),
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "random": self.random.state(),
        }
        return {name: snapshot(part) for name, part in state.items()}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a copy of what `state` returned; an error of any kind leaves it half done."""
        state = {name: snapshot(part) for name, part in state.items()}
        put_tensors(self.network, state["network"])
        put_tensors(self.average, state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])
        self.random.restore(state["random"])

    def _step(self, images: Tensor, labels: Tensor) -> float:
        x, target = augment(
            self._normalise(images.to(self._device)),
            labels.to(self._device),
            self._classes,
            self._recipe,
            self.random.numpy,
        )
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._recipe.amp):
            logits = self.network(x)
        loss = F.cross_entropy(logits.float(), target, label_smoothing=self._recipe.label_smoothing)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimizer.step()
        self._schedule.step()
        self.average.update_parameters(self.network)
        return loss.item()
