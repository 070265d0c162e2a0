"""A network of this package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from lolvit import Architecture
from runners.measure.targets.target import InputShape, Target

if TYPE_CHECKING:
    from torch import nn

    from lolvit.network import Network


@dataclass(frozen=True)
class NetworkTarget(Target):
    """An architecture with a name."""

    name: str
    architecture: Architecture
    follows_abstract: bool = False

    @property
    def shape(self) -> InputShape:
        side = self.architecture.resolution
        return InputShape(self.architecture.in_channels, side, side)

    def identity(self) -> dict[str, Any]:
        return self.architecture.to_dict()

    @property
    def hash(self) -> str:
        return self.architecture.hash

    @property
    def reconstructed(self) -> bool:
        return self.follows_abstract

    def build(self) -> nn.Module:
        from lolvit import build

        return build(self.architecture, seed=0)

    def macs_by_formula(self, module: nn.Module, shape: InputShape) -> int | None:
        return cast("Network", module).macs(shape.height, shape.width)
