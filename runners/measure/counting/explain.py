"""Why other counters give other MACs for the same forward pass, by kind of operator.

The remainder of an explanation is what no kind of operator accounts for; it should be 0.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from runners.measure.counting import counters
from runners.measure.counting.forward import evaluation_mode, make_image, materialize, silence
from runners.measure.counting.macs import SUM_OF_PRODUCTS, MacCount, count_macs
from runners.measure.targets import Target
from runners.records.errors import named_line

COUNTERS: dict[str, Callable[[nn.Module, Tensor], counters.Tally]] = {
    "fvcore": counters.fvcore_default,
    "ptflops pytorch": counters.ptflops_pytorch,
    "ptflops aten": counters.ptflops_aten,
    "torch FlopCounterMode / 2": counters.torch_flops,
}
"""Each with its defaults, by the name shown in tables."""
_NOTES = {
    "fvcore": "misreads broadcasting; estimates einsum; no rule for baddbmm",
    "ptflops pytorch": "adds biases and gates, repeats shared layers; no rule for `@`, einsum, "
    "functional layers, fused attention",
    "ptflops aten": "adds biases; no rule for baddbmm, mv, fused attention and gates",
    "torch FlopCounterMode / 2": "no rule for mv, fused attention and gates",
}
"""How a counter differs from ours, apart from operators that only one of the two counts."""

# Names in torch's dispatcher, in a traced graph, in torch.nn.functional and of ptflops' hooks.
_OPERATORS = {
    "convolution": ("conv", "convolution", "_convolution_mode", "deformable_conv"),
    "matrix product": (
        *("linear", "matmul", "mm", "bmm", "mv", "dot", "addmm", "addmv", "addbmm", "baddbmm"),
        "einsum",
    ),
    "attention product": (
        "scaled_dot_product_attention",
        "multihead_attention",
        "timm_attention",
    ),
    "recurrent gates": ("lstm", "rnn", "rnn_cell"),
    SUM_OF_PRODUCTS: (SUM_OF_PRODUCTS,),
    "normalisation": (
        *("batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm", "bn"),
    ),
    "activation": (
        *("relu", "relu_", "relu6", "leaky_relu", "leaky_relu_", "prelu", "elu", "gelu"),
        *("softplus", "silu", "silu_", "sigmoid", "hardsigmoid", "hardswish", "hardswish_"),
        *("tanh", "hardtanh", "hardtanh_", "softmax"),
    ),
    "pooling": (
        *("max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d"),
        *("avg_pool1d", "pool"),
    ),
    "resampling": (
        *("upsample_bilinear2d", "upsample_nearest2d", "upsample_bicubic2d"),
        *("grid_sampler", "interpolate", "upsample"),
    ),
    "element-wise": ("add", "add_", "sub", "mul", "mul_", "div", "div_"),
}
_KIND = {name: kind for kind, names in _OPERATORS.items() for name in names}
OTHER = "other"
KINDS = (*_OPERATORS, OTHER)
"""In the order of a table."""


@dataclass(frozen=True)
class Explanation:
    """Another counter compared with ours."""

    counter: str
    ours: int
    theirs: int | None
    """Multiply-accumulates as this counter reports them; None if it failed."""
    by_kind: Mapping[str, tuple[int, int]]
    """Ours and theirs of each kind of operator that either counts; empty if the counter failed."""
    error: str | None = None

    @property
    def remainder(self) -> int | None:
        """Theirs minus ours minus the differences of all kinds; None if the counter failed."""
        if self.theirs is None:
            return None
        return self.theirs - self.ours - sum(other - own for own, other in self.by_kind.values())


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
    """Rows of a table: kind of operator, ours, theirs, difference, note.

    The kinds are followed by "total" and "remainder"; a failed counter is one row.
    """
    ours, theirs = explanation.ours, explanation.theirs
    if theirs is None:
        return [("total", f"{ours:,}", "failed", "", explanation.error or "")]
    return [
        *(_table_row(kind, *counts) for kind, counts in explanation.by_kind.items()),
        _table_row("total", ours, theirs, _NOTES[explanation.counter]),
        ("remainder", "", "", _signed(explanation.remainder or 0), ""),
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
        return Explanation(counter, ours.total, None, {}, message)
    own, other = (_sum_by_kind(count.by_operator) for count in (ours, theirs))
    by_kind = {kind: (own[kind], other[kind]) for kind in KINDS if own[kind] or other[kind]}
    return Explanation(counter, ours.total, theirs.total, by_kind)


def _sum_by_kind(by_operator: Mapping[str, int]) -> Counter[str]:
    by_kind: Counter[str] = Counter()
    for name, macs in by_operator.items():
        by_kind[kind_of(name)] += macs
    return by_kind


def _table_row(kind: str, ours: int, theirs: int, note: str = "") -> tuple[str, ...]:
    return kind, f"{ours:,}", f"{theirs:,}", _signed(theirs - ours), note


def _signed(macs: int) -> str:
    return f"{macs:+,}" if macs else "0"
