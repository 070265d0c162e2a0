"""Kinds of operators: what different counters, each with its own names, are compared by."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from runners.measure.counting import operators

CONVOLUTION = "convolution"
MATRIX = "matrix product"
ATTENTION = "attention product"
GATES = "recurrent gates"
SUMS = "weighted sums"
NORMALISATION = "normalisation"
ACTIVATION = "activation"
POOLING = "pooling"
REDUCTION = "reduction"
RESAMPLING = "resampling"
ELEMENTWISE = "element-wise"
OTHER = "other"

# Names of the traced graph, of torch's dispatcher and of torch.nn.functional.
_NAMES = {
    CONVOLUTION: ("conv", "convolution", "_convolution_mode"),
    MATRIX: ("linear", "matmul", "mm", "bmm", "addmm", "baddbmm", "mv", "dot", "einsum"),
    ATTENTION: ("scaled_dot_product_attention", "_scaled_dot_product_flash_attention_for_cpu"),
    GATES: ("lstm", "mkldnn_rnn_layer"),
    SUMS: ("addcmul",),
    NORMALISATION: operators.NORMALISATION,
    ACTIVATION: operators.ACTIVATION,
    POOLING: operators.POOLING,
    REDUCTION: operators.REDUCTION,
    RESAMPLING: (*operators.RESAMPLING, "interpolate", "upsample"),
    ELEMENTWISE: operators.BETWEEN_MAPS,
}
_KIND = {name: kind for kind, names in _NAMES.items() for name in names}
KINDS = (*_NAMES, OTHER)
"""In the order of a table."""


def kind_of(operator: str) -> str:
    """The kind of an operator by its short name (`linear`, not `aten::linear`)."""
    return _KIND.get(operator, OTHER)


def summed(by_operator: Mapping[str, int]) -> Counter[str]:
    """Amounts by operator, added up by kind."""
    by_kind: Counter[str] = Counter()
    for name, amount in by_operator.items():
        by_kind[kind_of(name)] += amount
    return by_kind
