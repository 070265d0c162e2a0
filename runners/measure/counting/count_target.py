"""Parameters and MACs of a target: counted, held against its formula, shown beside ptflops."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from attention_zoo import MixerError
from lolvit import ArchitectureError
from runners.measure.counting import macs
from runners.measure.targets import Target, TargetError


class CostError(RuntimeError):
    """A cost of which two sources disagree."""


@dataclass(frozen=True)
class TargetCount:
    """What needs no clock and no device."""

    params: int
    macs: macs.MacCount
    macs_ptflops: int | None


def count_target(target: Target, *, allow_uncounted: bool) -> TargetCount:
    """Count one input.

    Raises:
        CostError: the count is not what the target's own formula says.
        UncountedOperator: an operator without a rule, unless allowed.
        TargetError: the target cannot be built.
    """
    torch.set_num_threads(1)  # on busy cores a second one costs seconds
    try:
        module = target.build()
    except (MixerError, ArchitectureError) as error:
        raise TargetError(str(error)) from error
    found = macs.count_macs(module, *target.shape, allow_uncounted=allow_uncounted)
    formula = target.macs_by_formula(module, target.shape)
    if formula is not None and found.total != formula and not found.uncounted:
        raise CostError(f"{found.total} MACs were counted, but its formula says {formula}")
    params = sum(parameter.numel() for parameter in module.parameters())
    return TargetCount(params, found, macs.count_ptflops(module, *target.shape))
