"""fvcore with the handles that it comes with: traced, so by operator of the graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fvcore.nn import FlopCountAnalysis
from torch import Tensor, nn

from runners.measure.counting.counters import kinds
from runners.measure.counting.counters.tally import Reason, Tally, no_product, no_rule

if TYPE_CHECKING:
    from runners.measure.counting.macs import MacCount


def tally(network: nn.Module, image: Tensor, ours: MacCount) -> Tally:
    """What `FlopCountAnalysis(network, image).total()` says."""
    analysis = FlopCountAnalysis(network, image)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    counted = {name: int(macs) for name, macs in analysis.by_operator().items()}
    unknown = {name.removeprefix("aten::") for name in analysis.unsupported_ops()}
    reasons = [
        reason
        for name in sorted({*counted, *ours.by_operator})
        for reason in _reasons(
            name, counted.get(name, 0), ours.by_operator.get(name, 0), name in unknown
        )
    ]
    return Tally(int(analysis.total()), kinds.summed(counted), tuple(reasons))


def _reasons(name: str, theirs: int, ours: int, unknown: bool) -> list[Reason]:
    kind = kinds.kind_of(name)
    if unknown:
        return [no_rule(name, ours)]
    if not ours:
        return [no_product(kind, theirs)]
    if name == "matmul" and theirs < ours:  # its handle reads the left operand's shape alone
        return [Reason(kind, "misses the broadcasting of a left operand", theirs - ours)]
    if name == "einsum" and theirs != ours:
        return [Reason(kind, "estimates einsum by numpy's contraction path", theirs - ours)]
    return []
