"""Multiply-accumulates by fvcore with our own rules: each operator is counted or refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from fvcore.nn import FlopCountAnalysis
from torch import nn

from runners.measure.counting.forward import evaluation_mode, make_image, materialize
from runners.measure.counting.operators import (
    ELEMENTS,
    ELEMENTWISE,
    MACS,
    UNCOUNTED,
    WITHOUT_ARITHMETIC,
    elements,
)


class UncountedOperator(RuntimeError):
    """An operator has no counting rule; the message names the operator and the module."""


@dataclass(frozen=True)
class MacCount:
    """MACs of one image: matrix products, convolutions, attention products; norms are other_ops."""

    total: int
    by_operator: dict[str, int]
    by_module: dict[str, int]
    """Of each module including its children; "" is the whole network."""
    other_ops: dict[str, int]
    """Elements written by each operator that is not a multiply-accumulate."""
    uncounted: tuple[str, ...] = ()
    """Operators without a rule, sorted: if there are any, the other numbers are lower bounds."""


def count_macs(
    network: nn.Module, channels: int, height: int, width: int, *, allow_uncounted: bool = False
) -> MacCount:
    """Count one forward pass of a (1, channels, height, width) image in eval mode.

    A network on the meta device is counted with stand-in weights on the CPU. The network is left
    as it was. With `allow_uncounted`, operators without a rule are listed in the result.

    Raises:
        UncountedOperator: an operator has no rule; it is never taken as zero.
    """
    network = materialize(network)
    analysis = FlopCountAnalysis(network, make_image(network, channels, height, width))
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    analysis.tracer_warnings("none")
    analysis.clear_op_handles()
    # fvcore ignores some arithmetic by default; only operators on our own list may be ignored.
    analysis._ignored_ops = set(WITHOUT_ARITHMETIC)
    analysis.set_op_handle(**MACS, **dict.fromkeys(ELEMENTWISE, elements))
    with evaluation_mode(network):
        by_module = analysis.by_module_and_operator()
    uncounted = {name: _uncounted_operators(analysis, name) for name in by_module}
    if uncounted[""] and not allow_uncounted:
        raise UncountedOperator(_first_uncounted(uncounted))
    macs = {name: _macs_only(amounts) for name, amounts in by_module.items()}
    return MacCount(
        total=sum(macs[""].values()),
        by_operator=macs[""],
        by_module={name: sum(amounts.values()) for name, amounts in macs.items()},
        other_ops={
            name.removeprefix(ELEMENTS): int(n)
            for name, n in by_module[""].items()
            if name.startswith(ELEMENTS)
        },
        uncounted=tuple(sorted(uncounted[""])),
    )


def _macs_only(amounts: Counter[str]) -> dict[str, int]:
    return {name: int(n) for name, n in amounts.items() if ":" not in name}


def _uncounted_operators(analysis: FlopCountAnalysis, module: str) -> set[str]:
    """Operators in a module and its children without a rule, or without one for this use."""
    refused = (name for name in analysis.by_operator(module) if name.startswith(UNCOUNTED))
    return {
        *analysis.unsupported_ops(module),
        *(name.removeprefix(UNCOUNTED) for name in refused),
    }


def _first_uncounted(uncounted: dict[str, set[str]]) -> str:
    operator = min(uncounted[""])
    # The longest name is the innermost module: parents list the operators of their children too.
    module = max((name for name, names in uncounted.items() if operator in names), key=len)
    return f"no counting rule for operator {operator} in module {module or 'the network itself'}"
