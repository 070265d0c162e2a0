"""Networks of this package, and single mixers of it on one map."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

from attention_zoo.registry import entry
from lolvit import Architecture, MixerConfig
from runners.measure.targets.target import InputShape, Target

if TYPE_CHECKING:
    from torch import nn

    from attention_zoo import Mixer
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


@dataclass(frozen=True)
class MixerTarget(Target):
    """A mixer at one width on square maps."""

    name: str
    mixer: MixerConfig
    width: int
    heads: int
    side: int

    @property
    def shape(self) -> InputShape:
        return InputShape(self.width, self.side, self.side)

    def identity(self) -> dict[str, Any]:
        parts = asdict(self)
        del parts["name"]
        return {"kind": "mixer", **parts, "mixer": {**parts["mixer"], "options": self._options()}}

    @property
    def reconstructed(self) -> bool:
        return entry(self.mixer.name).reconstructed

    def build(self) -> nn.Module:
        import torch

        from attention_zoo import build

        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return build(self.mixer.name, dim=self.width, num_heads=self.heads, **self._options())

    def macs_by_formula(self, module: nn.Module, shape: InputShape) -> int | None:
        return cast("Mixer", module).macs(shape.height, shape.width)

    def _options(self) -> dict[str, Any]:
        return dict(self.mixer.options)
