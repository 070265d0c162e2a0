"""ptflops' backend "aten": rules for five operators of torch's dispatcher."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from runners.measure.counting.counters import dispatched, kinds
from runners.measure.counting.counters.ptflops_run import run
from runners.measure.counting.counters.tally import Tally

if TYPE_CHECKING:
    from runners.measure.counting.macs import MacCount


def tally(network: nn.Module, image: Tensor, ours: MacCount) -> Tally:
    """What `get_model_complexity_info(..., backend="aten")` says.

    Raises:
        CounterFailed: ptflops gave up.
    """
    from ptflops.aten_ops import ATEN_OPS_MAPPING

    counted: Counter[str] = Counter()

    def watched(name: str, rule: Callable[..., int]) -> Callable[..., int]:
        def watch(inputs: Any, outputs: Any) -> int:
            macs = rule(inputs, outputs)
            counted[name] += macs
            return macs

        return watch

    rules = {packet: watched(packet.__name__, rule) for packet, rule in ATEN_OPS_MAPPING.items()}
    with dispatched.Products() as products:
        total = run(network, image, "aten", rules)
    reasons = dispatched.reasons(counted, products, kinds.summed(ours.by_operator))
    return Tally(total, kinds.summed(counted), reasons)
