"""The interface of a target: its name, input shape, identity and module."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple

from runners.records.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor, nn


class TargetError(UserError):
    """A target cannot be measured, by a mistake in its name or its code."""


class InputShape(NamedTuple):
    """The shape of one input, without the batch dimension."""

    channels: int
    height: int
    width: int


class Target(ABC):
    """Something with a cost; small and picklable, since each process builds its own module."""

    name: str
    """As printed in tables."""

    @property
    @abstractmethod
    def shape(self) -> InputShape:
        """The shape of one input."""

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """Everything that determines the module and its input, in plain JSON types."""

    @abstractmethod
    def build(self) -> nn.Module:
        """The module on the CPU, the same for equal targets.

        Raises:
            TargetError: it cannot be built; the message names the mistake.
        """

    @property
    def hash(self) -> str:
        """Equal for equal identities."""
        text = json.dumps(self.identity(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def reconstructed(self) -> bool:
        """Whether it is reconstructed from a paper's abstract."""
        return False

    def macs_by_formula(self, module: nn.Module, shape: InputShape) -> int | None:
        """Exact multiply-accumulates of one input without a run; None if there is no formula."""
        return None

    def load(self) -> None:  # noqa: B027  (most need nothing)
        """Import the dependencies of `build`, so that the module's memory does not include them."""

    def make_input(self, batch: int) -> Tensor:
        """Standard-normal inputs (batch, C, H, W), the same for equal shapes; no zeros."""
        import torch

        generator = torch.Generator().manual_seed(0)
        return torch.randn(batch, *self.shape, generator=generator)
