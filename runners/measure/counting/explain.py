"""Why other counters say something else of the same forward pass, operator kind by operator kind.

The remainder of an explanation is what no kind of operator accounts for; it should be exactly 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from torch import Tensor, nn

from runners.measure.counting.counters import (
    fvcore_default,
    kinds,
    ptflops_aten,
    ptflops_pytorch,
    tally,
    torch_flops,
)
from runners.measure.counting.counters.forward import image_for, silence, untouched, with_weights
from runners.measure.counting.macs import MacCount, count_macs
from runners.measure.targets import Target
from runners.records.errors import named_line

COUNTERS: dict[str, tally.Counter] = {
    "fvcore": fvcore_default.tally,
    "ptflops pytorch": ptflops_pytorch.tally,
    "ptflops aten": ptflops_aten.tally,
    "torch FlopCounterMode / 2": torch_flops.tally,
}
"""Each with its defaults, by the name that a table shows."""


@dataclass(frozen=True)
class Difference:
    """What two counters say of one kind of operator, in MACs."""

    kind: str
    ours: int
    theirs: int
    reasons: tuple[tally.Reason, ...]

    @property
    def difference(self) -> int:
        """Theirs minus ours."""
        return self.theirs - self.ours

    @property
    def unexplained(self) -> int:
        """The part of the difference that no reason accounts for."""
        return self.difference - sum(reason.amount for reason in self.reasons)

    @property
    def why(self) -> str:
        """The reasons in words, each with its amount where there are several."""
        parts = [(reason.words, reason.amount) for reason in self.reasons]
        if self.unexplained:
            parts.append(("not explained", self.unexplained))
        if len(parts) == 1:
            return parts[0][0]
        return "; ".join(f"{words} ({amount:+,})" for words, amount in parts) or "the same"


@dataclass(frozen=True)
class Explanation:
    """One counter beside the house's count."""

    counter: str
    ours: int
    theirs: int | None
    """Multiply-accumulates as this counter reports them; None where it failed."""
    differences: tuple[Difference, ...]
    """By kind of operator, the kinds on which both agree included; none where it failed."""
    error: str | None = None

    @property
    def remainder(self) -> int | None:
        """What the differences leave of theirs minus ours; None where the counter failed."""
        if self.theirs is None:
            return None
        return self.theirs - self.ours - sum(each.difference for each in self.differences)


def explain(network: nn.Module, channels: int, height: int, width: int) -> list[Explanation]:
    """Other counters on one forward pass of a (1, channels, height, width) image in eval mode.

    The network is left as it was, and so is torch; a network on the meta device is run with
    stand-in weights on the CPU.

    Raises:
        UncountedOperator: the house itself has no number to compare with.
    """
    network = with_weights(network)
    ours = count_macs(network, channels, height, width)
    image = image_for(network, channels, height, width)
    return [_explain(name, counter, network, image, ours) for name, counter in COUNTERS.items()]


def explain_target(target: Target) -> list[Explanation]:
    """`explain` of what a target builds, on its own input."""
    return explain(target.build(), *target.shape)


def explanation_rows(explanations: Iterable[Explanation]) -> list[tuple[str, ...]]:
    """Rows of a table: counter, kind of operator, ours, theirs, difference, why.

    A counter's kinds are followed by its total and by "remainder"; one that failed is one row.
    """
    return [row for explanation in explanations for row in _rows(explanation)]


def _explain(
    name: str, counter: tally.Counter, network: nn.Module, image: Tensor, ours: MacCount
) -> Explanation:
    try:
        with silence(), untouched(network):
            theirs = counter(network, image, ours)
    except Exception as error:  # a foreign counter may fail in any way; the others still speak
        words = str(error) if isinstance(error, tally.CounterFailed) else named_line(error)
        return Explanation(name, ours.total, None, (), words)
    return Explanation(name, ours.total, theirs.total, _differences(ours, theirs))


def _differences(ours: MacCount, theirs: tally.Tally) -> tuple[Difference, ...]:
    own = kinds.summed(ours.by_operator)
    causes: dict[str, Counter[str]] = {kind: Counter() for kind in kinds.KINDS}
    for reason in theirs.reasons:
        causes[reason.kind][reason.words] += reason.amount
    return tuple(
        Difference(
            kind,
            own[kind],
            theirs.by_kind.get(kind, 0),
            tuple(tally.Reason(kind, words, n) for words, n in causes[kind].items() if n),
        )
        for kind in kinds.KINDS
        if own[kind] or theirs.by_kind.get(kind)
    )


def _rows(explanation: Explanation) -> list[tuple[str, ...]]:
    name, ours = explanation.counter, f"{explanation.ours:,}"
    if explanation.theirs is None:
        return [(name, "total", ours, "failed", "", explanation.error or "")]
    rows: list[tuple[str, ...]] = [
        (name, each.kind, f"{each.ours:,}", f"{each.theirs:,}", _signed(each.difference), each.why)
        for each in explanation.differences
    ]
    whole, rest = explanation.theirs - explanation.ours, explanation.remainder or 0
    rows.append((name, "total", ours, f"{explanation.theirs:,}", _signed(whole), ""))
    words = "in no kind of operator" if rest else "every difference has a kind of operator"
    rows.append((name, "remainder", "", "", _signed(rest), words))
    return rows


def _signed(macs: int) -> str:
    return f"{macs:+,}" if macs else "0"
