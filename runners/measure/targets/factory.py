"""Anything a Python function returns: the user's own network."""

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

    Raises on `load` and `build`:
        TargetError: no such module or function, it raises, or returns no torch.nn.Module.
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
        self._found()

    def build(self) -> nn.Module:
        import torch

        make = self._found()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            try:
                made = make()
            except Exception as error:  # the user's code may raise anything
                raise TargetError(named_line(error)) from error
        if not isinstance(made, torch.nn.Module):
            raise TargetError(f"it returns {type(made).__name__}, not a torch.nn.Module")
        return made

    def _found(self) -> Callable[[], object]:
        here = str(Path.cwd())
        if here not in sys.path:  # what `python -m` would find is found here, too
            sys.path.insert(0, here)
        try:
            found: Any = importlib.import_module(self.module)
            for part in self.function.split("."):
                found = getattr(found, part)
        except Exception as error:  # importing runs the user's code
            raise TargetError(named_line(error)) from error
        if not callable(found):
            raise TargetError(f"{self.function} is no function")
        return found
