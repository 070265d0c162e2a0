"""MACs as a function of the input's side."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from runners.measure.targets import InputShape, Target


def macs_by_side(target: Target, sides: Sequence[int]) -> dict[int, int]:
    """Exact multiply-accumulates of one input of each side, by the target's own formula.

    The network stays as it is, whatever the side. It is built without memory for its weights
    (torch's meta device) and nothing runs. A foreign network has no formula: of that one a copy
    with zero weights runs once a side, and is counted.

    Raises:
        UncountedOperator: an operator of a foreign network has no rule.
        TargetError: the target cannot be built.
        RuntimeError: a foreign network cannot take this side.
    """
    with torch.device("meta"):
        module = target.build().eval()
    found = {}
    for side in sides:
        shape = InputShape(target.shape.channels, side, side)
        exact = target.macs_by_formula(module, shape)
        found[side] = _counted(module, shape) if exact is None else exact
    return found


def _counted(module: nn.Module, shape: InputShape) -> int:
    from runners.measure.counting.macs import (
        count_macs,  # seconds of imports that a formula does without
    )

    return count_macs(module, *shape).total
