"""What a counter says of one forward pass, and why that differs from the house's count."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from torch import Tensor, nn

from runners.measure.counting.counters import kinds

if TYPE_CHECKING:
    from runners.measure.counting.macs import MacCount


class CounterFailed(RuntimeError):
    """A counter that gave no number; the message is its own."""


@dataclass(frozen=True)
class Reason:
    """One cause of a difference."""

    kind: str
    words: str
    amount: int
    """By how much it makes the counter say more (or less, if negative) than the house."""


@dataclass(frozen=True)
class Tally:
    """One counter's result, in the unit that it calls MACs."""

    total: int
    """As the counter reports it."""
    by_kind: Mapping[str, int]
    """As the counter books it; nothing here is worked out from the total."""
    reasons: tuple[Reason, ...]


class Counter(Protocol):
    """A tool run as its users run it."""

    def __call__(self, network: nn.Module, image: Tensor, ours: MacCount) -> Tally:
        """Count one forward pass of an image (1, channels, height, width).

        Raises:
            Exception: whatever the tool raises.
        """
        ...


def no_rule(operator: str, macs: int) -> Reason:
    """The counter does not know an operator of `macs` multiply-accumulates."""
    words = f"no rule for {operator}: counted as 0"
    return Reason(kinds.kind_of(operator), words, -macs)


def no_product(kind: str, amount: int) -> Reason:
    """The counter counts what is no product in the house's convention."""
    return Reason(kind, f"counts {_PLURAL.get(kind, kind)} as multiply-accumulates", amount)


_PLURAL = {
    kinds.NORMALISATION: "norms",
    kinds.ACTIVATION: "activations",
    kinds.RESAMPLING: "resampled elements",
    kinds.POOLING: "pooled elements",
    kinds.ELEMENTWISE: "sums and products of maps",
}
