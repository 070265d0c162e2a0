"""torch's FlopCounterMode around a plain forward: no choice of an attention kernel, as users do."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from runners.measure.counting.counters import dispatched, kinds
from runners.measure.counting.counters.tally import Tally

if TYPE_CHECKING:
    from runners.measure.counting.macs import MacCount


def tally(network: nn.Module, image: Tensor, ours: MacCount) -> Tally:
    """Half of its total: it counts a multiplication and an addition as two."""
    counter = FlopCounterMode(display=False)
    with _frozen(network), dispatched.Products() as products, counter:
        network(image)
    booked = counter.get_flop_counts().get("Global", {})
    counted = {packet.__name__: flops // 2 for packet, flops in booked.items()}
    reasons = dispatched.reasons(counted, products, kinds.summed(ours.by_operator))
    return Tally(counter.get_total_flops() // 2, kinds.summed(counted), reasons)


@contextlib.contextmanager
def _frozen(network: nn.Module) -> Iterator[None]:
    """No weight wants a gradient: torch's counter fails where a module is handed one that does."""
    learnt = [weight for weight in network.parameters() if weight.requires_grad]
    for weight in learnt:
        weight.requires_grad = False
    try:
        yield
    finally:
        for weight in learnt:
            weight.requires_grad = True
