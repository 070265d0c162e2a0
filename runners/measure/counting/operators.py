"""What each operator that torch dispatches costs: multiply-accumulates, elements, or nothing.

Sources: the convention of the project, "MACs are multiply-accumulates of matrix products,
convolutions (depthwise too), attention products, recurrent gates, and sums of products"; the
schemas and tags of torch.ops.aten. docs/measuring.md explains the convention with examples.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from enum import Enum
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload

Rule = Callable[[Sequence[Any], Tensor], int]
"""MACs of a call, by its positional arguments and its first result."""


class Cost(Enum):
    """What an operator without multiply-accumulates does."""

    NOTHING = "no arithmetic: views, copies, constants, indices"
    ELEMENTS = "arithmetic of single elements: norms, activations, pooling, reductions"
    UNKNOWN = "it may multiply and add up in a way that no rule describes"


def _matrix_product(arguments: Sequence[Any], out: Tensor) -> int:
    """Elements of the result times the inner length."""
    return out.numel() * int(arguments[0].shape[-1])


def _added_product(arguments: Sequence[Any], out: Tensor) -> int:
    """Of addmm, baddbmm and addmv: the first argument is the added matrix."""
    return _matrix_product(arguments[1:], out)


def _added_batch(arguments: Sequence[Any], out: Tensor) -> int:
    """Of addbmm: the products of the batch are added up."""
    return out.numel() * int(arguments[1].shape[0]) * int(arguments[1].shape[-1])


def _vector_product(arguments: Sequence[Any], out: Tensor) -> int:
    return int(arguments[0].numel())


def _convolution(arguments: Sequence[Any], out: Tensor) -> int:
    """Each output element meets one filter; if transposed, each input element does."""
    image, weight = arguments[:2]
    meetings = image if arguments[6] else out
    return meetings.numel() * prod(weight.shape[1:])


def _convolution_tbc(arguments: Sequence[Any], out: Tensor) -> int:
    """Over time, with a weight (kernel, channels in, channels out)."""
    return out.numel() * prod(arguments[1].shape[:2])


def _attention(arguments: Sequence[Any], out: Tensor) -> int:
    """Scaled dot-product attention: q k^T and weights times v, for (..., tokens, channels)."""
    q, k, v = arguments[:3]
    # The result, not q: one q may meet many k and v.
    return prod(out.shape[:-1]) * int(k.shape[-2]) * int(q.shape[-1] + v.shape[-1])


def _recurrent_layer(arguments: Sequence[Any], out: Tensor) -> int:
    """Of one direction of a layer: each weight matrix meets each token once."""
    tokens, *weights = arguments[:3]
    return prod(tokens.shape[:-1]) * sum(weight.numel() for weight in weights)


MACS: dict[str, tuple[str, Rule]] = {
    "convolution": ("conv", _convolution),  # grouped and transposed convolutions too
    "conv_tbc": ("conv", _convolution_tbc),
    "mm": ("mm", _matrix_product),
    "bmm": ("bmm", _matrix_product),
    "mv": ("mv", _matrix_product),
    "addmm": ("addmm", _added_product),
    "_addmm_activation": ("addmm", _added_product),
    "addmv": ("addmv", _added_product),
    "baddbmm": ("baddbmm", _added_product),
    "addbmm": ("addbmm", _added_batch),
    "dot": ("dot", _vector_product),
    "vdot": ("dot", _vector_product),
    **{
        f"_scaled_dot_product_{kind}": ("scaled_dot_product_attention", _attention)
        for kind in (
            *("flash_attention", "flash_attention_for_cpu", "efficient_attention"),
            *("cudnn_attention", "fused_attention_overrideable"),
        )
    },
    "mkldnn_rnn_layer": ("lstm", _recurrent_layer),
}
"""By the name of the operator in torch.ops.aten: the name in results, and the rule."""

# Products of more than one floating tensor hide in none of these.
_NORMALISATION = (
    *("native_batch_norm", "_native_batch_norm_legit", "_native_batch_norm_legit_no_training"),
    *("_batch_norm_with_update", "_batch_norm_no_update", "batch_norm", "cudnn_batch_norm"),
    *("native_layer_norm", "native_group_norm", "_fused_rms_norm", "miopen_batch_norm"),
)
_ACTIVATION = ("_prelu_kernel", "rrelu_with_noise", "_thnn_fused_lstm_cell", "_thnn_fused_gru_cell")
_RESAMPLING = (
    *("grid_sampler_2d", "grid_sampler_3d", "_grid_sampler_2d_cpu_fallback"),
    "cudnn_grid_sampler",
)
_SEVERAL_TENSORS = (
    *(*_NORMALISATION, *_ACTIVATION, *_RESAMPLING),
    *("scatter_add", "scatter_reduce", "index_add", "index_reduce", "segment_reduce"),
    *("bucketize", "searchsorted", "linalg_cross", "cross", "complex", "polar", "addr"),
    *("fractional_max_pool2d", "fractional_max_pool3d", "_weight_norm_interface", "block_diag"),
    *("binary_cross_entropy", "binary_cross_entropy_with_logits", "kl_div"),
)
_MOVED = (
    *("cat", "stack", "clone", "copy", "_to_copy", "contiguous", "repeat", "roll", "flip"),
    *("constant_pad_nd", "reflection_pad1d", "reflection_pad2d", "replication_pad1d"),
    *("replication_pad2d", "pixel_shuffle", "pixel_unshuffle", "channel_shuffle"),
    *("native_channel_shuffle", "im2col", "gather", "index", "index_select", "index_put"),
    *("_unsafe_index", "_unsafe_index_put", "index_copy", "index_fill", "scatter", "take"),
    *("take_along_dim", "masked_scatter", "masked_select", "masked_fill", "fill", "zero"),
    *("embedding", "rot90", "tril", "triu", "select_scatter", "slice_scatter"),
    *("slice_copy", "diag_embed", "unfold_copy", "_reshape_copy", "view_copy", "where"),
    *("native_dropout", "bernoulli", "resize", "set", "lift_fresh_copy"),
)
# One floating tensor comes in, and products of its elements are added up.
_REFUSED = (
    "_fft",
    "fft",
    "linalg",
    "_linalg",
    "cholesky",
    "lu_",
    "qr",
    "svd",
    "_svd",
    "triangular",
)
_REFUSED_NAMES = ("matrix_exp", "inverse", "geqrf", "ormqr", "pinverse")
_LINALG_NORMS = ("linalg_vector_norm",)


def base_name(operator: OpOverload) -> str:
    """The name without namespace and overload, and without the underscore of in-place forms."""
    name: str = operator._schema.name.partition("::")[2]
    return name.removesuffix("_")


def is_view(operator: OpOverload) -> bool:
    """Whether the result shares the memory of an argument."""
    return bool(operator.is_view) or base_name(operator) in ("_unsafe_view", "_reshape_alias")


def full_name(operator: OpOverload) -> str:
    """The name of an operator in messages, as `aten::mm`."""
    return str(operator._schema.name)


def display_name(name: str) -> str:
    """The name of an operator in lists, as users know it: `layer_norm`, not `native_layer_norm`."""
    if "batch_norm" in name:
        return "batch_norm"
    short = name.lstrip("_").removeprefix("native_").removesuffix("_with_indices")
    return {"prelu_kernel": "prelu"}.get(short, short)


def cost_of(operator: OpOverload, tensors: Sequence[Tensor]) -> Cost:
    """The cost of an operator that is no view and has no rule in `MACS`, for these arguments.

    An operator that torch tags as pointwise multiplies no more than element by element, and one
    that reads a single floating tensor cannot multiply two. What remains is unknown unless it is
    listed: it may be a product in disguise.
    """
    name = base_name(operator)
    if operator.namespace != "aten":
        return Cost.UNKNOWN
    if name in _MOVED or name.startswith("new_") or name.endswith("_like") or not tensors:
        return Cost.NOTHING
    if any(t.layout is not torch.strided for t in tensors):
        return Cost.UNKNOWN  # what it multiplies depends on which entries are stored
    listed = name in _SEVERAL_TENSORS or name in _LINALG_NORMS or name.endswith("_loss")
    if torch.Tag.pointwise in operator.tags or listed:
        return Cost.ELEMENTS
    if name.startswith(_REFUSED) or name in _REFUSED_NAMES:
        return Cost.UNKNOWN
    floating = [t for t in tensors if t.is_floating_point() or t.is_complex()]
    return Cost.ELEMENTS if len(floating) <= 1 else Cost.UNKNOWN


def complex_factor(tensors: Sequence[Tensor]) -> int:
    """Real multiply-accumulates of one complex one: four, as (a + bi)(c + di) has four products."""
    return 4 if any(t.is_complex() for t in tensors) else 1


def tensors_in(value: Any) -> Iterator[Tensor]:
    """The tensors of arguments or results, lists and tuples included."""
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from tensors_in(item)
    elif isinstance(value, dict):
        yield from tensors_in(list(value.values()))
