"""Why other counters give other MACs for the same forward pass, by kind of operator.

The remainder of an explanation is what no kind of operator accounts for; it should be 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from runners.measure.counting import counters, operators
from runners.measure.counting.forward import evaluation_mode, make_image, materialize, silence
from runners.measure.counting.macs import MacCount, count_macs
from runners.measure.targets import Target
from runners.records.errors import named_line

COUNTERS: dict[str, Callable[[nn.Module, Tensor], counters.Tally]] = {
    "fvcore": counters.fvcore_default,
    "ptflops pytorch": counters.ptflops_pytorch,
    "ptflops aten": counters.ptflops_aten,
    "torch FlopCounterMode / 2": counters.torch_flops,
}
"""Each with its defaults, by the name shown in tables."""

# Names in the traced graph, in torch's dispatcher, in torch.nn.functional and of ptflops' hooks.
_OPERATORS = {
    "convolution": ("conv", "convolution", "_convolution_mode", "deformable_conv"),
    "matrix product": ("linear", "matmul", "mm", "bmm", "addmm", "baddbmm", "einsum"),
    "attention product": (
        "scaled_dot_product_attention",
        "multihead_attention",
        "timm_attention",
    ),
    "recurrent gates": ("lstm", "rnn", "rnn_cell"),
    "weighted sums": ("addcmul",),
    "normalisation": (*operators.NORMALISATION, "bn"),
    "activation": operators.ACTIVATION,
    "pooling": (*operators.POOLING, "pool"),
    "reduction": operators.REDUCTION,
    "resampling": (*operators.RESAMPLING, "interpolate", "upsample"),
    "element-wise": operators.BETWEEN_MAPS,
}
_KIND = {name: kind for kind, names in _OPERATORS.items() for name in names}
OTHER = "other"
KINDS = (*_OPERATORS, OTHER)
"""In the order of a table."""

_FUSED = "no rule for it where torch fuses it; otherwise counted as matrix products"
_PRODUCTS = "includes attention and gates that torch runs as matrix products"
_REASONS = {
    "fvcore": {"matrix product": "misreads broadcasting, estimates einsum, no rule for baddbmm"},
    "ptflops pytorch": {
        "convolution": "adds biases, repeats shared layers; no rule for functional layers",
        "matrix product": "adds biases, repeats shared layers; no rule for `@`, einsum, F.linear",
        "attention product": "no rule for fused attention; counts all of nn.MultiheadAttention",
        "recurrent gates": "adds biases and the arithmetic of gates",
    },
    "ptflops aten": {
        "convolution": "adds biases",
        "matrix product": f"adds biases, {_PRODUCTS}; no rule for baddbmm and mv",
        "attention product": _FUSED,
        "recurrent gates": _FUSED,
    },
    "torch FlopCounterMode / 2": {
        "matrix product": f"{_PRODUCTS}; no rule for mv",
        "attention product": _FUSED,
        "recurrent gates": _FUSED,
    },
}
"""How a counter treats a kind of operator, where that depends on the counter."""
UNKNOWN_REASON = "unknown reason"


@dataclass(frozen=True)
class Difference:
    """The MACs of one kind of operator by two counters."""

    kind: str
    ours: int
    theirs: int
    reason: str

    @property
    def difference(self) -> int:
        """Theirs minus ours."""
        return self.theirs - self.ours


@dataclass(frozen=True)
class Explanation:
    """Another counter compared with ours."""

    counter: str
    ours: int
    theirs: int | None
    """Multiply-accumulates as this counter reports them; None if it failed."""
    differences: tuple[Difference, ...]
    """By kind of operator, including kinds without a difference; empty if the counter failed."""
    error: str | None = None

    @property
    def remainder(self) -> int | None:
        """Theirs minus ours minus the sum of the differences; None if the counter failed."""
        if self.theirs is None:
            return None
        return self.theirs - self.ours - sum(row.difference for row in self.differences)


def explain_macs(network: nn.Module, channels: int, height: int, width: int) -> list[Explanation]:
    """Compare other counters on one forward pass of a (1, channels, height, width) image.

    The network and torch are left as they were; a network on the meta device runs with stand-in
    weights on the CPU.

    Raises:
        UncountedOperator: there is no count of ours to compare with.
    """
    network = materialize(network)
    ours = count_macs(network, channels, height, width)
    image = make_image(network, channels, height, width)
    return [_explain(name, network, image, ours) for name in COUNTERS]


def explain_target(target: Target) -> list[Explanation]:
    """`explain_macs` of the module of a target, for its own input."""
    return explain_macs(target.build(), *target.shape)


def explanation_rows(explanation: Explanation) -> list[tuple[str, ...]]:
    """Rows of a table: kind of operator, ours, theirs, difference, reason.

    The kinds are followed by "total" and "remainder"; a failed counter is one row.
    """
    ours, theirs = explanation.ours, explanation.theirs
    if theirs is None:
        return [("total", f"{ours:,}", "failed", "", explanation.error or "")]
    rows: list[tuple[str, ...]] = [
        (row.kind, f"{row.ours:,}", f"{row.theirs:,}", _signed(row.difference), row.reason)
        for row in explanation.differences
    ]
    remainder = explanation.remainder or 0
    note = "in no kind of operator" if remainder else ""
    return [
        *rows,
        ("total", f"{ours:,}", f"{theirs:,}", _signed(theirs - ours), ""),
        ("remainder", "", "", _signed(remainder), note),
    ]


def kind_of(operator: str) -> str:
    """The kind of an operator by its short name (`linear`, not `aten::linear`)."""
    return _KIND.get(operator, OTHER)


def _explain(counter: str, network: nn.Module, image: Tensor, ours: MacCount) -> Explanation:
    try:
        with silence(), evaluation_mode(network):
            theirs = COUNTERS[counter](network, image)
    except Exception as error:  # other counters may fail in any way; the rest still run
        is_own = isinstance(error, counters.MacCounterError)
        message = str(error) if is_own else named_line(error)
        return Explanation(counter, ours.total, None, (), message)
    our_kinds, their_kinds = (_sum_by_kind(c.by_operator) for c in (ours, theirs))
    differences = tuple(
        Difference(
            kind,
            our_kinds[kind],
            their_kinds[kind],
            _reason(counter, kind, our_kinds[kind], their_kinds[kind], ours.by_operator),
        )
        for kind in KINDS
        if our_kinds[kind] or their_kinds[kind]
    )
    return Explanation(counter, ours.total, theirs.total, differences)


def _sum_by_kind(by_operator: Mapping[str, int]) -> Counter[str]:
    by_kind: Counter[str] = Counter()
    for name, macs in by_operator.items():
        by_kind[kind_of(name)] += macs
    return by_kind


def _reason(counter: str, kind: str, ours: int, theirs: int, our_operators: Iterable[str]) -> str:
    if ours == theirs:
        return "the same"
    if reason := _REASONS[counter].get(kind):
        return reason
    if not ours:
        return f"counts {kind} as multiply-accumulates"
    if not theirs:
        names = ", ".join(name for name in our_operators if kind_of(name) == kind)
        return f"no rule for {names}: counted as 0"
    return UNKNOWN_REASON


def _signed(macs: int) -> str:
    return f"{macs:+,}" if macs else "0"
