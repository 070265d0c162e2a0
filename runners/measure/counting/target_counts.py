"""Parameters and MACs of a target: counted and checked against its formula, or by formula alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from attention_zoo import MixerError
from lolvit import ArchitectureError
from runners.measure.targets import InputShape, Target, TargetError

if TYPE_CHECKING:
    from runners.measure.counting.macs import MacCount


_OTHER_SEEDS = (1, 2, 3)
"""Of the inputs that show whether a count depends on its input."""


class CostError(RuntimeError):
    """Two sources disagree about a cost."""


@dataclass(frozen=True)
class TargetCount:
    """The costs that need neither a clock nor a device."""

    params: int
    macs: MacCount
    macs_range: tuple[int, ...]
    """Fewest and most MACs over the inputs tried, where they differ; empty where all are equal."""
    macs_ptflops: int | None


def count_target(target: Target, *, allow_uncounted: bool) -> TargetCount:
    """Count the input that is timed; without a formula, some others too.

    Raises:
        CostError: the count differs from the target's own formula.
        UncountedOperator: an operator has no rule, unless that is allowed.
        TargetError: the target cannot be built.
    """
    from runners.measure.counting.counters import count_ptflops
    from runners.measure.counting.macs import count_macs

    torch.set_num_threads(1)  # on busy cores a second one costs seconds
    try:
        module = target.build()
    except (MixerError, ArchitectureError) as error:
        raise TargetError(str(error)) from error
    macs = count_macs(module, *target.shape, allow_uncounted=allow_uncounted)
    expected = target.macs_by_formula(module, target.shape)
    if expected is not None and macs.total != expected and not macs.uncounted:
        raise CostError(f"{macs.total} MACs were counted, but the formula gives {expected}")
    totals = {macs.total}
    if expected is None:  # it may choose by its input what it runs
        totals |= {
            count_macs(module, *target.shape, seed=seed, allow_uncounted=True).total
            for seed in _OTHER_SEEDS
        }
    bounds = (min(totals), max(totals)) if len(totals) > 1 else ()
    params = sum(parameter.numel() for parameter in module.parameters())
    return TargetCount(params, macs, bounds, count_ptflops(module, *target.shape))


def macs_by_side(target: Target, sides: Sequence[int]) -> dict[int, int]:
    """Exact multiply-accumulates of one input of each side, by the target's own formula.

    The network is the same for every side. It is built without memory for its weights (torch's
    meta device) and does not run. A foreign network has no formula: a copy with zero weights runs
    once per side and is counted.

    Raises:
        UncountedOperator: an operator of a foreign network has no rule.
        TargetError: the target cannot be built.
        RuntimeError: a foreign network does not accept this side.
    """
    with torch.device("meta"):
        module = target.build().eval()
    macs = {}
    for side in sides:
        shape = InputShape(target.shape.channels, side, side)
        exact = target.macs_by_formula(module, shape)
        if exact is None:
            # Seconds of imports that a formula does not need.
            from runners.measure.counting.macs import count_macs

            exact = count_macs(module, *shape).total
        macs[side] = exact
    return macs
