"""The cost of each operator of a traced graph: MACs, elements, or nothing.

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

# Prefixes of an operator's name in the result of a handle that returns no number of MACs.
ELEMENTS = "elements:"
UNCOUNTED = "uncounted:"  # this use of the operator has no rule

Handle = Callable[[Sequence[Any], Sequence[Any]], "int | Counter[str]"]


def _convolution_mode(inputs: Sequence[Any], outputs: Sequence[Any]) -> int:
    """A convolution with padding="same" or "valid": each output element meets one filter."""
    return prod(get_shape(outputs[0])) * prod(get_shape(inputs[1])[1:])


def _matrix_product(inputs: Sequence[Any], outputs: Sequence[Any]) -> int:
    """Elements of the result times the inner length; correct under broadcasting, too."""
    return prod(get_shape(outputs[0])) * get_shape(inputs[0])[-1]


def _added_product(inputs: Sequence[Any], outputs: Sequence[Any]) -> int:
    """Of addmm and baddbmm: the first input is the added matrix."""
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
    # Weight matrices have two dimensions, states three, biases one.
    weights = sum(prod(shape) for shape in shapes if shape and len(shape) == 2)
    return prod(get_shape(inputs[0])[:-1]) * weights


def _einsum(inputs: Sequence[Any], outputs: Sequence[Any]) -> Counter[str]:
    """Of two operands: one per combination of their indices, as in the batched product behind it.

    An index of only one operand that the result lacks is summed before; without a common summed
    index it is an element-wise product. With more operands torch chooses the order: no rule.
    """
    shapes = [get_shape(value) for value in inputs[1].node().inputs()]
    if len(shapes) > 2:
        return Counter({f"{UNCOUNTED}aten::einsum": 1})
    terms, arrow, kept = inputs[0].toIValue().replace(" ", "").partition("->")
    if not arrow:  # the result keeps the indices that occur once
        kept = "..." + "".join(index for index in terms if terms.count(index) == 1)
    operands = [_indices(*term) for term in zip(terms.split(","), shapes, strict=True)]
    sizes = {index: n for operand in operands for index, n in operand.items()}
    shared = set(operands[0]).intersection(*operands[1:])
    remain = {index for index in sizes if index.rstrip("0123456789") in kept}
    if len(operands) == 1 or shared <= remain:
        return elements(inputs, outputs)
    return Counter(einsum=prod(sizes[index] for index in shared | remain))


def _indices(term: str, shape: Sequence[int]) -> dict[str, int]:
    """Sizes by index of one operand; the dimensions of "..." are numbered from the right."""
    head, _, tail = term.partition("...")
    dots = [f"...{i}" for i in range(len(shape) - len(head) - len(tail), 0, -1)]
    # A dimension of size 1 is broadcast, so it is no index.
    return {index: n for index, n in zip([*head, *dots, *tail], shape, strict=True) if n != 1}


def _element_products(inputs: Sequence[Any], outputs: Sequence[Any]) -> int:
    """Of addcmul: one per element; sums with weights that differ from pixel to pixel use it."""
    return prod(get_shape(outputs[0]))


def elements(inputs: Sequence[Any], outputs: Sequence[Any]) -> Counter[str]:
    """Elements written by an operator that is no multiply-accumulate; scalars are ignored."""
    shape = get_shape(outputs[0])
    name = outputs[0].node().kind().removeprefix("aten::")
    return Counter({f"{ELEMENTS}{name}": prod(shape)} if shape else {})


MACS: dict[str, Handle] = {
    "aten::_convolution": conv_flop_jit,  # grouped and transposed convolutions too
    "aten::_convolution_mode": _convolution_mode,
    "aten::matmul": _matrix_product,
    "aten::mm": _matrix_product,
    "aten::bmm": _matrix_product,
    "aten::linear": _matrix_product,
    "aten::addmm": _added_product,
    "aten::baddbmm": _added_product,
    "aten::einsum": _einsum,
    "aten::scaled_dot_product_attention": _attention,
    "aten::lstm": _recurrent_gates,
    "aten::addcmul": _element_products,
}

NORMALISATION = ("batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm")
ACTIVATION = (
    *("relu", "relu_", "relu6", "leaky_relu", "leaky_relu_", "prelu", "elu", "gelu", "softplus"),
    *("silu", "silu_", "sigmoid", "hardsigmoid", "hardswish", "hardswish_", "tanh"),
    *("hardtanh", "hardtanh_", "softmax", "clamp", "clamp_min", "abs", "neg", "ceil"),
    *("exp", "sqrt", "rsqrt", "square", "pow", "reciprocal", "sin", "cos"),
)
BETWEEN_MAPS = (
    *("add", "add_", "sub", "rsub", "mul", "mul_", "div", "div_", "floor_divide"),
    *("maximum", "minimum", "where", "remainder"),
)
REDUCTION = (
    *("sum", "mean", "var", "max", "amax", "argmax", "cumsum", "norm"),
    "linalg_vector_norm",
    *("scatter_add",),  # sums over the pixels of each segment
    "col2im",  # sums overlapping patches
)
POOLING = (
    *("max_pool2d", "avg_pool2d", "adaptive_avg_pool2d", "adaptive_max_pool2d"),
    "avg_pool1d",
)
RESAMPLING = (
    *("upsample_bilinear2d", "upsample_nearest2d", "upsample_bicubic2d", "upsample_linear1d"),
    *("_upsample_bicubic2d_aa", "grid_sampler"),
)
# Arithmetic per element, listed next to the MACs as elements written.
ELEMENTWISE = tuple(
    f"aten::{name}"
    for name in (*NORMALISATION, *ACTIVATION, *BETWEEN_MAPS, *REDUCTION, *POOLING, *RESAMPLING)
)

_SAME_DATA_OTHER_SHAPE = (
    *("reshape", "view", "flatten", "unflatten", "permute", "transpose", "t", "movedim"),
    *("mT", "numpy_T"),
    *("unbind", "chunk", "split", "split_with_sizes", "select", "slice", "narrow"),
    *("squeeze", "unsqueeze", "expand", "expand_as", "contiguous", "reshape_as"),
    "unfold",  # overlapping windows of one tensor; F.unfold is im2col
)
_MOVED_OR_COPIED = (
    *("cat", "stack", "constant_pad_nd", "pad", "roll", "index", "gather", "copy_", "clone"),
    *("flip", "scatter", "meshgrid"),
    *("detach", "to", "type_as", "repeat", "repeat_interleave", "tile", "im2col"),
)
_CONSTANTS_AND_SIZES = (
    *("zeros", "ones", "empty", "full", "arange", "zeros_like", "ones_like", "full_like"),
    *("new_zeros", "new_ones", "new_full", "new_empty", "fill_", "masked_fill"),
    *("eye", "one_hot"),
    *("ne", "eq", "bitwise_not"),  # of positions: which window a pixel is in, what is padding
    *("size", "Int", "ScalarImplicit", "scalar_tensor"),
)
_NOTHING_IN_EVAL_MODE = ("dropout", "dropout_", "feature_dropout")
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
