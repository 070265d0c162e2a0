"""Train one network by the recipe and report its accuracy."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from runners.data.batches import batches
from runners.data.dataset import Dataset, Split
from runners.device_lock import Turn, training
from runners.record import Epoch, Quality
from runners.training.augment import Normaliser, augment
from runners.training.ema import averaged
from runners.training.recipe import Recipe

_STATISTICS_IMAGES = 10_000
_EVALUATION_BATCH = 250


class NonFiniteLoss(RuntimeError):
    """The loss became NaN or infinite; the message says where."""


Watcher = Callable[[int, int, int], None]
"""Told after each step: epoch, images trained on so far, images that the training will see."""


def train(
    network: nn.Module,
    dataset: Dataset,
    recipe: Recipe,
    *,
    seed: int,
    device: torch.device,
    watch: Watcher = lambda epoch, images, total: None,
) -> Quality:
    """Train on `dataset.train`, choose on `dataset.val`, report on `dataset.test`.

    Equal seeds give equal results on one machine with one number of threads. While some process
    times the device, the training waits; its seconds and rates leave that out.

    Raises:
        NonFiniteLoss: the training diverged.
        DataError: an image of a folder could not be read.
        UserError: the device's lock files cannot be used.
    """
    with training(device) as turn:
        return _Training(network, dataset, recipe, seed, device, turn).run(watch)


class _Training:
    """One training: network, averaged copy, optimiser and schedule."""

    def __init__(
        self,
        network: nn.Module,
        dataset: Dataset,
        recipe: Recipe,
        seed: int,
        device: torch.device,
        turn: Turn,
    ) -> None:
        torch.manual_seed(seed)  # dropout
        self.random = np.random.default_rng(seed)  # order and augmentation
        self.dataset, self.recipe, self.device, self.turn = dataset, recipe, device, turn
        self.network = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = averaged(self.network, recipe.ema_decay)
        size = len(dataset.train)
        self.batch_size = min(recipe.batch_size, size)
        self.steps_per_epoch = size // self.batch_size
        self.optimizer = torch.optim.AdamW(
            _weight_groups(self.network, recipe.weight_decay), lr=recipe.learning_rate, fused=True
        )
        self.schedule = torch.optim.lr_scheduler.LambdaLR(
            self.optimizer, warmup_cosine(recipe.epochs * self.steps_per_epoch, recipe.warmup)
        )
        sample = np.linspace(0, size - 1, min(size, _STATISTICS_IMAGES)).astype(np.int64)
        self.normalise = Normaliser.fit(torch.from_numpy(dataset.train.images(sample))).to(device)

    def run(self, watch: Watcher) -> Quality:
        start = self.turn.clock()
        curve = []
        for epoch in range(1, self.recipe.epochs + 1):
            epoch_start = self.turn.clock()
            loss = self._epoch(epoch, watch)
            rate = self.steps_per_epoch * self.batch_size / (self.turn.clock() - epoch_start)
            accuracy = self._accuracy(self.average, self.dataset.val)
            curve.append(
                Epoch(epoch=epoch, train_loss=loss, val_accuracy=accuracy, images_per_s=rate)
            )
        raw = self._accuracy(self.network, self.dataset.val)
        chosen, weights = self.average.module, "ema"
        if raw > curve[-1].val_accuracy:
            chosen, weights = self.network, "raw"
        return Quality(
            test_accuracy=self._accuracy(chosen, self.dataset.test),
            val_accuracy=max(raw, curve[-1].val_accuracy),
            curve=curve,
            weights=weights,
            epochs=self.recipe.epochs,
            train_images=len(self.dataset.train),
            val_images=len(self.dataset.val),
            test_images=len(self.dataset.test),
            train_seconds=self.turn.clock() - start,
        )

    def _epoch(self, epoch: int, watch: Watcher) -> float:
        """One pass over the shuffled training split, a partial batch left out; the mean loss."""
        self.network.train()
        order = self.random.permutation(len(self.dataset.train))
        order = order[: self.steps_per_epoch * self.batch_size]
        losses = []
        for step, (images, labels) in enumerate(
            batches(self.dataset.train, self.batch_size, order), 1
        ):
            losses.append(self._step(torch.from_numpy(images), torch.from_numpy(labels)))
            if not math.isfinite(losses[-1]):
                raise NonFiniteLoss(f"loss became {losses[-1]} at epoch {epoch}, step {step}")
            seen = ((epoch - 1) * self.steps_per_epoch + step) * self.batch_size
            total = self.recipe.epochs * self.steps_per_epoch * self.batch_size
            watch(epoch, seen, total)
            self.turn.breathe()
        return sum(losses) / len(losses)

    def _step(self, images: Tensor, labels: Tensor) -> float:
        x, target = augment(
            self.normalise(images.to(self.device)),
            labels.to(self.device),
            self.dataset.num_classes,
            self.recipe,
            self.random,
        )
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.amp):
            logits = self.network(x)
        loss = F.cross_entropy(logits.float(), target, label_smoothing=self.recipe.label_smoothing)
        self.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        self.schedule.step()
        self.average.update_parameters(self.network)
        return loss.item()

    @torch.no_grad()
    def _accuracy(self, network: nn.Module, split: Split) -> float:
        network.eval()
        correct = 0
        for images, labels in batches(split, _EVALUATION_BATCH, np.arange(len(split))):
            x = self.normalise(torch.from_numpy(images).to(self.device))
            with torch.autocast(self.device.type, torch.bfloat16, enabled=self.recipe.amp):
                logits = network(x.contiguous(memory_format=torch.channels_last))
            correct += int((logits.argmax(1).cpu() == torch.from_numpy(labels)).sum())
            self.turn.breathe()
        return correct / len(split)


def warmup_cosine(steps: int, warmup: float) -> Callable[[int], float]:
    """Share of the peak learning rate at a step: a linear rise, then half a cosine down to 0."""
    rise = max(1, round(steps * warmup))

    def share(step: int) -> float:
        if step < rise:
            return (step + 1) / rise
        return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))

    return share


def _weight_groups(network: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Decay for matrices and kernels only: decaying norms and biases hurts small networks."""
    parameters = list(network.parameters())
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]
