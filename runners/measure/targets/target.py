"""What every target has: a name, one input, an identity, and a way to its module."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, NamedTuple

from runners.records.errors import UserError

if TYPE_CHECKING:
    from torch import Tensor, nn


class TargetError(UserError):
    """A target that cannot be measured through a mistake of whoever named or wrote it."""


class InputShape(NamedTuple):
    """One input without its batch."""

    channels: int
    height: int
    width: int


class Target(ABC):
    """Something with a cost. Targets are small and pickle: each process builds its own module."""

    name: str
    """As shown in tables."""

    @property
    @abstractmethod
    def shape(self) -> InputShape:
        """Of one input."""

    @abstractmethod
    def identity(self) -> dict[str, Any]:
        """Everything that decides the module and its input, in plain JSON types."""

    @abstractmethod
    def build(self) -> nn.Module:
        """The module on the CPU, the same for equal targets.

        Raises:
            TargetError: it cannot be had, through a mistake that the message names.
        """

    @property
    def hash(self) -> str:
        """Equal for equal identities."""
        text = json.dumps(self.identity(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def reconstructed(self) -> bool:
        """Whether it follows an abstract only."""
        return False

    def macs_by_formula(self, module: nn.Module, shape: InputShape) -> int | None:
        """Exact multiply-accumulates of one input without running it; None where none is known."""
        return None

    def load(self) -> None:  # noqa: B027  (most need nothing)
        """Import what building needs, so that it does not count as memory of the module."""

    def make_input(self, batch: int) -> Tensor:
        """Standard-normal inputs (batch, C, H, W), the same for equal shapes; never zeros."""
        import torch

        generator = torch.Generator().manual_seed(0)
        return torch.randn(batch, *self.shape, generator=generator)
