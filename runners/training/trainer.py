"""Training steps and evaluations: network, averaged weights, optimiser, schedule, randomness."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel

from runners.data.dataset import Dataset, Split, iterate_batches
from runners.machine.device_lock import DeviceShare
from runners.training.augment import Normaliser, augment
from runners.training.checkpoint import all_tensors, copy_to_cpu, load_tensors
from runners.training.recipe import Recipe

_STATISTICS_IMAGES = 10_000
_EVALUATION_BATCH = 250


Tensors = tuple[Tensor, ...] | list[Tensor]


class NonFiniteLoss(RuntimeError):
    """The loss became NaN or infinite; the message says where."""


OnStep = Callable[[int, int, int], None]
"""Called after each step: epoch, images trained on so far, images of all epochs."""


def ignore_step(epoch: int, images: int, total: int) -> None:
    """An `OnStep` that does nothing."""


class RandomState:
    """A numpy generator for order and augmentation, and torch's global one for dropout.

    Torch's global generators serve the whole process, so a training installs its own state while
    it runs.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self.numpy = np.random.default_rng(seed)
        self._devices = [device] if device.type == "cuda" else []
        with torch.random.fork_rng(devices=self._devices):
            torch.manual_seed(seed)
            self.capture()

    @contextmanager
    def install(self) -> Iterator[None]:
        """Torch draws from this state in the block; afterwards its generators are as before.

        Unless the block ends with `capture`, the next block draws the same numbers again.
        """
        with torch.random.fork_rng(devices=self._devices):
            torch.set_rng_state(self._torch)
            for device, state in zip(self._devices, self._accelerators, strict=True):
                torch.cuda.set_rng_state(state, device)
            yield

    def capture(self) -> None:
        """Take over the state of torch's global generators."""
        self._torch = torch.get_rng_state()
        self._accelerators = [torch.cuda.get_rng_state(device) for device in self._devices]

    def state_dict(self) -> dict[str, Any]:
        """Plain types and tensors."""
        return {
            "numpy": self.numpy.bit_generator.state,
            "torch": self._torch,
            "accelerators": self._accelerators,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take over what `state_dict` returned."""
        self.numpy.bit_generator.state = state["numpy"]
        self._torch, self._accelerators = state["torch"], state["accelerators"]
        with self.install():  # torch refuses what is no state of its generators
            pass


class Trainer:
    """Passes over the training split, and evaluations; the caller holds the device.

    Attributes:
        network: the one to train, on the device.
        average: its moving average.
        random: to be installed around a pass.
        images_per_epoch: without those of a partial batch.
    """

    def __init__(
        self, network: nn.Module, dataset: Dataset, recipe: Recipe, seed: int, device: torch.device
    ) -> None:
        self._split, self._classes = dataset.train, dataset.num_classes
        self._recipe, self._device = recipe, device
        self.random = RandomState(seed, device)
        self.network = network.to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = make_average(self.network, recipe.ema_decay)
        size = len(dataset.train)
        self._batch_size = min(recipe.batch_size, size)
        steps = size // self._batch_size
        self.images_per_epoch = steps * self._batch_size
        # Of all epochs, also where fewer will be trained: stopping changes no step before it.
        self._optimizer, self._schedule = make_adamw(self.network, recipe, recipe.epochs * steps)
        sample = np.linspace(0, size - 1, min(size, _STATISTICS_IMAGES)).astype(np.int64)
        self._normalise = Normaliser.fit(torch.from_numpy(dataset.train.images(sample)), device)

    def train_epoch(self, epoch: int, on_step: OnStep, share: DeviceShare) -> float:
        """One pass over the shuffled training split, a partial batch left out; the mean loss.

        Raises:
            NonFiniteLoss: the training diverged.
            DataError: an image of a folder could not be read.
        """
        self.network.train()
        order = self.random.numpy.permutation(len(self._split))[: self.images_per_epoch]
        total = self._recipe.epochs * self.images_per_epoch
        losses = []
        for step, (images, labels) in enumerate(
            iterate_batches(self._split, self._batch_size, order), 1
        ):
            losses.append(self._step(torch.from_numpy(images), torch.from_numpy(labels)))
            if not math.isfinite(losses[-1]):
                raise NonFiniteLoss(f"loss became {losses[-1]} at epoch {epoch}, step {step}")
            on_step(epoch, (epoch - 1) * self.images_per_epoch + step * self._batch_size, total)
            share.yield_to_timing()
        return sum(losses) / len(losses)

    @torch.no_grad()
    def measure_accuracy(self, network: nn.Module, split: Split, share: DeviceShare) -> float:
        """Share of a split that `network`, this one or the average, classifies correctly."""
        network.eval()
        correct = 0
        for images, labels in iterate_batches(split, _EVALUATION_BATCH, np.arange(len(split))):
            x = self._normalise(torch.from_numpy(images).to(self._device))
            with torch.autocast(self._device.type, torch.bfloat16, enabled=self._recipe.amp):
                logits = network(x.contiguous(memory_format=torch.channels_last))
            correct += int((logits.argmax(1).cpu() == torch.from_numpy(labels)).sum())
            share.yield_to_timing()
        return correct / len(split)

    def state_dict(self) -> dict[str, Any]:
        """All it takes to continue exactly: a copy in plain types and tensors on the CPU."""
        state: dict[str, Any] = {
            "network": all_tensors(self.network),
            "average": all_tensors(self.average),
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
            "random": self.random.state_dict(),
        }
        return {name: copy_to_cpu(part) for name, part in state.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Copy what `state_dict` returned; an error of any kind leaves it half done."""
        state = {name: copy_to_cpu(part) for name, part in state.items()}
        load_tensors(self.network, state["network"])
        load_tensors(self.average, state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])
        self.random.load_state_dict(state["random"])

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


def make_adamw(
    network: nn.Module, recipe: Recipe, steps: int
) -> tuple[torch.optim.AdamW, LambdaLR]:
    """An optimiser and its schedule over `steps`; call `step()` on both after each step."""
    groups = group_weights(network, recipe.weight_decay)
    optimizer = torch.optim.AdamW(groups, lr=recipe.learning_rate, fused=True)
    return optimizer, LambdaLR(optimizer, warmup_cosine(steps, recipe.warmup))


def warmup_cosine(steps: int, warmup: float) -> Callable[[int], float]:
    """Share of the peak learning rate at a step: a linear rise, then half a cosine down to 0."""
    rise = max(1, round(steps * warmup))

    def share(step: int) -> float:
        if step < rise:
            return (step + 1) / rise
        return 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))

    return share


def group_weights(network: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Decay for matrices and kernels only: decaying norms and biases hurts small networks."""
    parameters = list(network.parameters())
    return [
        {"params": [p for p in parameters if p.ndim > 1], "weight_decay": weight_decay},
        {"params": [p for p in parameters if p.ndim <= 1], "weight_decay": 0.0},
    ]


def make_average(network: nn.Module, decay: float) -> AveragedModel:
    """An exponential moving average of weights and buffers.

    Call `update_parameters(network)` after each step. The decay starts low, (1 + n) / (10 + n), so
    that the random start is soon forgotten.
    """

    def blend(average: Tensors, current: Tensors, updates: Tensor | int) -> None:
        n = int(updates)
        weight = 1 - min(decay, (1 + n) / (10 + n))
        if average[0].is_floating_point():
            torch._foreach_lerp_(average, current, weight)
        else:  # counters of batches
            torch._foreach_copy_(average, current)

    return AveragedModel(network, multi_avg_fn=torch.no_grad()(blend), use_buffers=True)
