"""A model of timm, which is an optional dependency."""

from __future__ import annotations

from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any

from attention_zoo import did_you_mean
from runners.measure.targets.target import InputShape, Target, TargetError
from runners.records.errors import first_line

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class TimmTarget(Target):
    """A timm model by name, with random weights."""

    name: str
    model: str
    input_shape: InputShape
    version: str

    @property
    def shape(self) -> InputShape:
        return self.input_shape

    def identity(self) -> dict[str, Any]:
        return {
            "kind": "timm",
            "model": self.model,
            "timm": self.version,
            "shape": list(self.shape),
        }

    def load(self) -> None:
        import_timm()

    def build(self) -> nn.Module:
        import torch

        timm, options = import_timm(), {}
        if self.shape != _own_shape(timm, self.model):
            options = {"img_size": self.shape.height, "in_chans": self.shape.channels}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            try:
                return timm.create_model(self.model, pretrained=False, **options)
            except TypeError:  # a convolutional network takes any size and has no such option
                options.pop("img_size", None)
                return timm.create_model(self.model, pretrained=False, **options)


def find_timm_model(name: str, model: str, shape: InputShape | None) -> TimmTarget:
    """The target `name`: a model by timm's name, at its own input size unless `shape` is set.

    Raises:
        TargetError: timm cannot be imported or has no such model.
    """
    timm = import_timm()
    models = timm.list_models()
    if model.partition(".")[0] not in models:
        hint = did_you_mean(model, models)
        raise TargetError(
            f"timm {timm.__version__} has no model {model!r}; {hint}"
            "timm.list_models() lists all models"
        )
    return TimmTarget(name, model, shape or _own_shape(timm, model), str(timm.__version__))


def import_timm() -> ModuleType:
    """Import the package timm.

    Raises:
        TargetError: it or its torchvision is missing or does not fit the installed torch.
    """
    try:
        import timm
    except Exception as error:
        # A torchvision built for another torch raises RuntimeError (an operator does not exist),
        # and AttributeError when it is imported a second time.
        raise TargetError(
            f"timm cannot be imported ({first_line(error)}); for timm: targets, `pip install timm` "
            "and a torchvision that fits the installed torch"
        ) from error
    return timm


def _own_shape(timm: ModuleType, model: str) -> InputShape:
    config = timm.get_pretrained_cfg(model)
    return InputShape(*(config.input_size if config is not None else (3, 224, 224)))
