"""A single mixer on one map."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, cast

from attention_zoo.registry import entry
from lolvit import MixerConfig
from runners.measure.targets.target import InputShape, Target

if TYPE_CHECKING:
    from torch import nn

    from attention_zoo import Mixer


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
