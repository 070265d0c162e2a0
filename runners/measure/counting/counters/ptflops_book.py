"""What ptflops' default backend writes down during one forward pass, entry by entry."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import torch
from torch import nn


@dataclass(frozen=True)
class Call:
    """A patched function or method."""

    name: str
    amount: int
    macs: int
    """What of it is a matrix product by the house's convention."""
    inside_hooked: bool
    """Called by a module that has a hook of its own."""


class Book:
    """The entries of one run; `ptflops_pytorch` fills it."""

    def __init__(self, network: nn.Module) -> None:
        """Empty, with the name of each module of the network."""
        self.names = {module: name for name, module in network.named_modules()}
        self.visits: list[tuple[nn.Module, int]] = []
        """Modules with a hook, in the order in which ptflops adds them up, with their amounts."""
        self.calls: list[Call] = []
        self.rules: dict[nn.Module, str] = {}
        """Modules whose hook ran, with the name of the rule."""
        self.biases: Counter[nn.Module] = Counter()
        """Additions of a bias in the calls of a convolution or linear layer."""
        self._depth = 0

    def enter(self, *_: Any) -> None:
        """A module with a hook begins its forward."""
        self._depth += 1

    def leave(self, module: nn.Module, rule: str, output: Any) -> None:
        """A module with a hook has done its forward."""
        self._depth -= 1
        self.rules[module] = rule
        if rule in ("conv_flops_counter_hook", "linear_flops_counter_hook"):
            self.biases[module] += output.numel() if module.bias is not None else 0

    def call(self, name: str, amount: int, args: Sequence[Any]) -> None:
        """A patched function is about to run."""
        self.calls.append(Call(name, amount, _macs(name, args), self._depth > 0))

    def visit(self, module: nn.Module, amount: int) -> None:
        """A module's amount is taken into the sum."""
        self.visits.append((module, amount))


def _macs(name: str, args: Sequence[Any]) -> int:
    if name in ("matmul", "mm", "bmm"):
        left, right = args[:2]
    elif name in ("addmm", "baddbmm"):
        left, right = args[1:3]
    else:
        return 0
    rows = left.shape[-2] if left.dim() > 1 else 1
    columns = right.shape[-1] if right.dim() > 1 else 1
    batch = torch.broadcast_shapes(left.shape[:-2], right.shape[:-2])  # type: ignore[no-untyped-call]
    return prod(batch) * rows * left.shape[-1] * columns
