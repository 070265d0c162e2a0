"""The products that reach torch's dispatcher, where attention or an LSTM may be one operator."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from math import prod
from typing import Any

from torch.utils._python_dispatch import TorchDispatchMode

from runners.measure.counting.counters import kinds
from runners.measure.counting.counters.tally import Reason, no_rule

Rule = Callable[..., int]


def _matrix(left: Any, *_: Any, out: Any) -> int:
    return out.numel() * left.shape[-1]


def _added_matrix(_added: Any, left: Any, *_: Any, out: Any) -> int:
    return _matrix(left, out=out)


def _vector(left: Any, *_: Any, out: Any) -> int:
    return left.numel()


def _convolution(x: Any, weight: Any, *rest: Any, out: Any) -> int:
    transposed = rest[4]
    return x.shape[0] * weight.numel() * prod((x if transposed else out).shape[2:])


def _attention(q: Any, k: Any, v: Any, *_: Any, out: Any) -> int:
    return prod(q.shape[:-1]) * k.shape[-2] * (q.shape[-1] + v.shape[-1])


def _recurrent(x: Any, w_input: Any, w_state: Any, *_: Any, out: Any) -> int:
    return prod(x.shape[:-1]) * (w_input.numel() + w_state.numel())


RULES: dict[str, Rule] = {
    "mm": _matrix,
    "bmm": _matrix,
    "addmm": _added_matrix,
    "baddbmm": _added_matrix,
    "mv": _vector,
    "dot": _vector,
    "convolution": _convolution,
    "_scaled_dot_product_flash_attention_for_cpu": _attention,
    "mkldnn_rnn_layer": _recurrent,
    "addcmul": lambda *_, out: out.numel(),
}


class Products(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Multiply-accumulates by the dispatcher's names; enter it before the counter to be checked."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.macs: Counter[str] = Counter()
        self.biases: Counter[str] = Counter()
        """Additions of a bias inside a product, by the product's name."""

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        out = func(*args, **(kwargs or {}))
        name = func.overloadpacket.__name__
        if name in RULES:
            first = out[0] if isinstance(out, tuple) else out
            self.macs[name] += RULES[name](*args, out=first)
            bias = {"addmm": 0, "convolution": 2}.get(name)
            if bias is not None and args[bias] is not None:
                self.biases[name] += first.numel()
        return out


def reasons(
    counted: Mapping[str, int], products: Products, ours: Mapping[str, int]
) -> tuple[Reason, ...]:
    """Why a counter at the dispatcher differs: operators without a rule, biases, and lowering.

    Args:
        counted: what it counted, by the dispatcher's names.
        products: what there was.
        ours: the house's MACs by kind.
    """
    found = []
    by_kind: Counter[str] = Counter()
    for name, macs in products.macs.items():
        by_kind[kinds.kind_of(name)] += macs
        if name not in counted:
            found.append(no_rule(name, macs))
        elif counted[name] == macs + products.biases[name] != macs:
            words = "counts the additions of biases"
            found.append(Reason(kinds.kind_of(name), words, products.biases[name]))
    for kind in (kinds.ATTENTION, kinds.GATES):
        if moved := ours.get(kind, 0) - by_kind[kind]:
            found.append(Reason(kind, "ran as matrix products, booked there", -moved))
            found.append(Reason(kinds.MATRIX, f"{kind} that ran as matrix products", moved))
    return tuple(found)
