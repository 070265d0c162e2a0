"""All that a training draws, apart from what else draws in the same process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch


class Randomness:
    """A numpy generator for order and augmentation, and torch's global one for dropout.

    Torch's global generators serve the whole process, so a training brings its own state along
    for the time it runs.
    """

    def __init__(self, seed: int, device: torch.device) -> None:
        self.numpy = np.random.default_rng(seed)
        self._devices = [device] if device.type == "cuda" else []
        with torch.random.fork_rng(devices=self._devices):
            torch.manual_seed(seed)
            self.keep()

    @contextmanager
    def installed(self) -> Iterator[None]:
        """Torch draws from here in the block; afterwards its generators are as they were.

        What the block draws is forgotten, so that the next block draws the same, unless it ends
        with `keep`.
        """
        with torch.random.fork_rng(devices=self._devices):
            torch.set_rng_state(self._torch)
            for device, state in zip(self._devices, self._accelerators, strict=True):
                torch.cuda.set_rng_state(state, device)
            yield

    def keep(self) -> None:
        """The next block of `installed` goes on from here."""
        self._torch = torch.get_rng_state()
        self._accelerators = [torch.cuda.get_rng_state(device) for device in self._devices]

    def state(self) -> dict[str, Any]:
        """Plain types and tensors."""
        return {
            "numpy": self.numpy.bit_generator.state,
            "torch": self._torch,
            "accelerators": self._accelerators,
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Take over what `state` returned."""
        self.numpy.bit_generator.state = state["numpy"]
        self._torch, self._accelerators = state["torch"], state["accelerators"]
        with self.installed():  # torch refuses what is no state of its generators
            pass
