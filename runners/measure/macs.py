"""Multiply-accumulates by fvcore with the house's rules: each operator is counted or refused."""

from __future__ import annotations

import contextlib
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from fvcore.nn import FlopCountAnalysis
from torch import nn

from runners.measure.operators import ELEMENTWISE, MACS, WITHOUT_ARITHMETIC, elements


class UncountedOperator(RuntimeError):
    """An operator for which no rule exists; the message names operator and module."""


@dataclass(frozen=True)
class MacCount:
    """MACs of one image: matrix products, convolutions, attention products; norms are other_ops."""

    total: int
    by_operator: dict[str, int]
    by_module: dict[str, int]
    other_ops: dict[str, int]
    """Elements written per operator that is no multiply-accumulate."""


def count(network: nn.Module, channels: int, height: int, width: int) -> MacCount:
    """Count one forward pass of a (1, channels, height, width) image in eval mode.

    Raises:
        UncountedOperator: an operator without a rule was met; it is never taken as zero.
    """
    parameter = next(network.parameters(), torch.empty(0))
    image = torch.zeros(1, channels, height, width, device=parameter.device, dtype=parameter.dtype)
    analysis = FlopCountAnalysis(network, image)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    analysis.tracer_warnings("none")
    analysis.clear_op_handles()
    # fvcore ignores some arithmetic by default; only operators on the house's list may be ignored.
    analysis._ignored_ops = set(WITHOUT_ARITHMETIC)
    analysis.set_op_handle(**MACS, **dict.fromkeys(ELEMENTWISE, elements))
    with _eval_mode(network):
        modules = analysis.by_module_and_operator()
    _refuse_uncounted(analysis)
    whole = modules[""]
    return MacCount(
        total=sum(_macs(whole).values()),
        by_operator=_macs(whole),
        by_module={name: sum(_macs(found).values()) for name, found in modules.items()},
        other_ops={name[len("elements:") :]: int(n) for name, n in whole.items() if ":" in name},
    )


def count_ptflops(network: nn.Module, channels: int, height: int, width: int) -> int | None:
    """What ptflops says of the same network, or None where it raises: shown beside, never used."""
    from ptflops import get_model_complexity_info

    with contextlib.redirect_stdout(io.StringIO()), _eval_mode(network):
        try:
            macs, _ = get_model_complexity_info(
                network, (channels, height, width), as_strings=False, print_per_layer_stat=False
            )
        except Exception:  # a foreign counter that fails must not take the arm with it
            return None
    return int(macs) if macs is not None else None


def _macs(found: Counter[str]) -> dict[str, int]:
    return {name: int(n) for name, n in found.items() if ":" not in name}


def _refuse_uncounted(analysis: FlopCountAnalysis) -> None:
    if not (unknown := analysis.unsupported_ops()):
        return
    operator = min(unknown)
    # The longest name is the innermost module: parents list the operators of their children too.
    modules = [name for name in analysis.by_module() if operator in analysis.unsupported_ops(name)]
    where = max(modules, key=len) or "the network itself"
    raise UncountedOperator(f"no counting rule for operator {operator} in module {where}")


@contextlib.contextmanager
def _eval_mode(network: nn.Module) -> Iterator[None]:
    """Eval mode for the block; each module's own mode afterwards."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training
