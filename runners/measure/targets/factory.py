"""A network that a Python function of the user returns."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runners.measure.targets.target import InputShape, Target, TargetError
from runners.records.errors import named_line

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True)
class FactoryTarget(Target):
    """`module:function`, called without arguments in each process that measures.

    A network with a method `example_inputs(batch)` is called with the tensors that it returns.

    `load` and `build` raise TargetError if the module or function does not exist, if it raises,
    or if it returns no torch.nn.Module.
    """

    name: str
    module: str
    function: str
    input_shape: InputShape

    @property
    def shape(self) -> InputShape:
        return self.input_shape

    def identity(self) -> dict[str, Any]:
        return {
            "kind": "factory",
            "function": f"{self.module}:{self.function}",
            "shape": list(self.shape),
        }

    def load(self) -> None:
        self._import_function()

    def build(self) -> nn.Module:
        import torch

        make = self._import_function()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            try:
                module = make()
            except Exception as error:  # the user's code may raise anything
                raise TargetError(named_line(error)) from error
        if not isinstance(module, torch.nn.Module):
            raise TargetError(
                f"{self.function} returns {type(module).__name__}, not a torch.nn.Module"
            )
        if hasattr(module, "example_inputs"):
            from runners.measure.network_io import DeclaredInputs

            return DeclaredInputs(module)
        return module

    def _import_function(self) -> Callable[[], object]:
        search_working_directory()
        try:
            function: Any = importlib.import_module(self.module)
            for part in self.function.split("."):
                function = getattr(function, part)
        except Exception as error:  # importing runs the user's code
            raise TargetError(named_line(error)) from error
        if not callable(function):
            raise TargetError(f"{self.function} is not a function")
        return function


def search_working_directory() -> None:
    """Import modules from the working directory too, as `python -m` does."""
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
