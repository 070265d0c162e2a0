"""What goes into a network and what comes out: its own type, several inputs, nested outputs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any, cast

import torch
from torch import Tensor, nn


def input_dtype(network: nn.Module) -> torch.dtype:
    """The type of the first floating weight, which inputs are cast to; float32 without weights."""
    floating = (p.dtype for p in network.parameters() if p.is_floating_point())
    return next(floating, torch.float32)


def tensors_of(output: object) -> list[Tensor]:
    """All tensors and arrays in an output, in order: in tuples, lists, mappings and dataclasses.

    Numbers, texts, None and other objects are passed over.
    """
    return list(_tensors(output))


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif type(value).__module__ == "numpy":
        yield torch.as_tensor(value)
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _tensors(part)
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from _tensors(part)
    elif is_dataclass(value) and not isinstance(value, type):
        for field in fields(value):
            yield from _tensors(getattr(value, field.name))


class TensorOutputs(nn.Module):
    """A network whose output is the tuple of its tensors, as exporters need it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> tuple[Tensor, ...]:
        return tuple(tensors_of(self.network(x)))


class DeclaredInputs(nn.Module):
    """A network of several inputs, called with those that its `example_inputs(batch)` returns.

    The image that every target is called with gives the batch size and the device only.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self._inputs: dict[tuple[int, torch.device], tuple[Any, ...]] = {}

    def forward(self, x: Tensor) -> Any:
        key = (len(x), x.device)
        if key not in self._inputs:
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(0)  # the same for every copy of the network
                made = cast(Any, self.network).example_inputs(len(x))
            inputs = made if isinstance(made, tuple) else (made,)
            self._inputs[key] = tuple(
                value.to(x.device) if isinstance(value, Tensor) else value for value in inputs
            )
        return self.network(*self._inputs[key])
