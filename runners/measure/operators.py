"""What each operator of a traced graph costs: MACs, elements, or nothing, each with its reason.

A new operator in a mixer or backbone needs an entry here; until then counting it is an error.
Sources: the convention of the project, "MACs are multiply-accumulates of matrix products,
convolutions (depthwise too), attention products and recurrent gates".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from math import prod
from typing import Any

from fvcore.nn.jit_handles import conv_flop_jit, get_shape

Handle = Callable[[Sequence[Any], Sequence[Any]], "int | Counter[str]"]


def _matrix_product(inputs: Sequence[Any], outputs: Sequence[Any]) -> int:
    """Elements of the result times the inner length; right under broadcasting, too."""
    return prod(get_shape(outputs[0])) * get_shape(inputs[0])[-1]


def _added_product(inputs: Sequence[Any], outputs: Sequence[Any]) -> int:
    """Of addmm and baddbmm: the first input is what is added."""
    return _matrix_product(inputs[1:], outputs)


def _attention(inputs: Sequence[Any], outputs: Sequence[Any]) -> int:
    """Scaled dot-product attention: q k^T and weights times v."""
    q, k = (get_shape(value) for value in inputs[:2])
    # The result, not q: one q may meet many k and v.
    out = get_shape(outputs[0])
    return prod(out[:-1]) * k[-2] * (q[-1] + out[-1])


def _recurrent_gates(inputs: Sequence[Any], outputs: Sequence[Any]) -> int:
    """Of an LSTM: every weight matrix meets every token once; biases and gates are no products."""
    lists = [value.node() for value in inputs if value.node().kind() == "prim::ListConstruct"]
    shapes = [get_shape(value) for node in lists for value in node.inputs()]
    # The matrices are what has two dimensions: states have three, biases one.
    weights = sum(prod(shape) for shape in shapes if shape and len(shape) == 2)
    return prod(get_shape(inputs[0])[:-1]) * weights


def _element_products(inputs: Sequence[Any], outputs: Sequence[Any]) -> int:
    """Of addcmul: one per element; sums whose weights differ from pixel to pixel are made of it."""
    return prod(get_shape(outputs[0]))


def elements(inputs: Sequence[Any], outputs: Sequence[Any]) -> Counter[str]:
    """Elements written by an operator that is no multiply-accumulate; scalars are bookkeeping."""
    shape = get_shape(outputs[0])
    name = outputs[0].node().kind().removeprefix("aten::")
    return Counter({f"elements:{name}": prod(shape)} if shape else {})


MACS: dict[str, Handle] = {
    "aten::_convolution": conv_flop_jit,  # grouped and transposed convolutions too
    "aten::matmul": _matrix_product,
    "aten::mm": _matrix_product,
    "aten::bmm": _matrix_product,
    "aten::linear": _matrix_product,
    "aten::addmm": _added_product,
    "aten::baddbmm": _added_product,
    "aten::scaled_dot_product_attention": _attention,
    "aten::lstm": _recurrent_gates,
    "aten::addcmul": _element_products,
}

_NORMALISATION = ("batch_norm", "layer_norm", "group_norm")
_ACTIVATION = (
    *("relu", "relu_", "gelu", "silu", "sigmoid", "hardsigmoid", "hardswish", "tanh", "softplus"),
    *("softmax", "clamp", "clamp_min", "exp", "sqrt", "rsqrt", "square", "pow", "abs", "neg"),
    *("reciprocal", "sin", "cos", "relu6"),
)
_BETWEEN_MAPS = (
    *("add", "add_", "sub", "rsub", "mul", "mul_", "div", "div_", "floor_divide"),
    *("maximum", "minimum", "where", "remainder"),
)
_REDUCTION = (
    *("sum", "mean", "amax", "argmax", "cumsum", "norm"),
    *("scatter_add",),  # sums over the pixels of each segment
    *("max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d"),
)
_RESAMPLING = ("upsample_bilinear2d", "upsample_nearest2d", "grid_sampler")
# Arithmetic per element, listed beside the MACs as elements written.
ELEMENTWISE = tuple(
    f"aten::{name}"
    for name in (*_NORMALISATION, *_ACTIVATION, *_BETWEEN_MAPS, *_REDUCTION, *_RESAMPLING)
)

_SAME_DATA_OTHER_SHAPE = (
    *("reshape", "view", "flatten", "unflatten", "permute", "transpose", "t", "movedim"),
    *("mT", "numpy_T"),
    *("unbind", "chunk", "split", "split_with_sizes", "select", "slice", "narrow"),
    *("squeeze", "unsqueeze", "expand", "expand_as", "contiguous"),
)
_MOVED_OR_COPIED = (
    *("cat", "stack", "constant_pad_nd", "pad", "roll", "index", "gather", "copy_", "clone"),
    *("flip", "scatter", "meshgrid"),
    *("detach", "to", "type_as", "repeat", "repeat_interleave"),
)
_CONSTANTS_AND_SIZES = (
    *("zeros", "ones", "empty", "full", "arange", "zeros_like", "ones_like", "full_like"),
    *("new_zeros", "new_ones", "new_full", "new_empty", "fill_", "masked_fill"),
    *("ne",),  # of two positions: which window a pixel is in
    *("size", "Int", "ScalarImplicit", "scalar_tensor"),
)
_NOTHING_IN_EVAL_MODE = ("dropout", "feature_dropout")
# No arithmetic on the data.
WITHOUT_ARITHMETIC = tuple(
    f"aten::{name}"
    for name in (
        *_SAME_DATA_OTHER_SHAPE,
        *_MOVED_OR_COPIED,
        *_CONSTANTS_AND_SIZES,
        *_NOTHING_IN_EVAL_MODE,
    )
)
