"""Multiply-accumulates by fvcore with the house's rules: each operator is counted or refused."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from fvcore.nn import FlopCountAnalysis
from torch import nn

from runners.measure.counting.counters.forward import image_for, untouched, with_weights
from runners.measure.counting.operators import (
    ELEMENTS,
    ELEMENTWISE,
    MACS,
    UNCOUNTED,
    WITHOUT_ARITHMETIC,
    elements,
)


class UncountedOperator(RuntimeError):
    """An operator for which no rule exists; the message names operator and module."""


@dataclass(frozen=True)
class MacCount:
    """MACs of one image: matrix products, convolutions, attention products; norms are other_ops."""

    total: int
    by_operator: dict[str, int]
    by_module: dict[str, int]
    """With all that is below each; "" is the whole network."""
    other_ops: dict[str, int]
    """Elements written per operator that is no multiply-accumulate."""
    uncounted: tuple[str, ...] = ()
    """Operators without a rule, sorted: with any of these the other numbers are lower bounds."""
    operators_by_module: dict[str, dict[str, int]] = field(default_factory=dict, repr=False)
    """`by_operator` of each module of `by_module`."""


def count_macs(
    network: nn.Module, channels: int, height: int, width: int, *, allow_uncounted: bool = False
) -> MacCount:
    """Count one forward pass of a (1, channels, height, width) image in eval mode.

    A network on the meta device is counted with stand-in weights on the CPU.

    Args:
        network: left as it was.
        channels: of the image.
        height: of the image, in pixels.
        width: of the image, in pixels.
        allow_uncounted: name operators without a rule in the result rather than raise.

    Raises:
        UncountedOperator: an operator without a rule was met; it is never taken as zero.
    """
    network = with_weights(network)
    analysis = FlopCountAnalysis(network, image_for(network, channels, height, width))
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    analysis.tracer_warnings("none")
    analysis.clear_op_handles()
    # fvcore ignores some arithmetic by default; only operators on the house's list may be ignored.
    analysis._ignored_ops = set(WITHOUT_ARITHMETIC)
    analysis.set_op_handle(**MACS, **dict.fromkeys(ELEMENTWISE, elements))
    with untouched(network):
        found = analysis.by_module_and_operator()
    unknown = {name: _unknown(analysis, name) for name in found}
    if unknown[""] and not allow_uncounted:
        raise UncountedOperator(_where(unknown))
    modules = {name: _macs(operators) for name, operators in found.items()}
    return MacCount(
        total=sum(modules[""].values()),
        by_operator=modules[""],
        by_module={name: sum(operators.values()) for name, operators in modules.items()},
        other_ops={
            name.removeprefix(ELEMENTS): int(n)
            for name, n in found[""].items()
            if name.startswith(ELEMENTS)
        },
        uncounted=tuple(sorted(unknown[""])),
        operators_by_module=modules,
    )


def count_ptflops(network: nn.Module, channels: int, height: int, width: int) -> int | None:
    """What ptflops says of the same network, or None where it raises: shown beside, never used."""
    from runners.measure.counting.counters.ptflops_run import run

    network = with_weights(network)
    with untouched(network):
        try:
            return run(network, image_for(network, channels, height, width), "pytorch", {})
        except Exception:  # a foreign counter that fails must not take the arm with it
            return None


def _macs(found: Counter[str]) -> dict[str, int]:
    return {name: int(n) for name, n in found.items() if ":" not in name}


def _unknown(analysis: FlopCountAnalysis, module: str) -> set[str]:
    """Operators without a rule in a module and below it, or of which this use has none."""
    refused = (name for name in analysis.by_operator(module) if name.startswith(UNCOUNTED))
    return {
        *analysis.unsupported_ops(module),
        *(name.removeprefix(UNCOUNTED) for name in refused),
    }


def _where(unknown: dict[str, set[str]]) -> str:
    operator = min(unknown[""])
    # The longest name is the innermost module: parents list the operators of their children too.
    module = max((name for name, found in unknown.items() if operator in found), key=len)
    return f"no counting rule for operator {operator} in module {module or 'the network itself'}"
