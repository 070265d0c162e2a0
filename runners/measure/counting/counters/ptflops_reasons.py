"""The book of ptflops' default backend beside the house's count: kinds and causes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from torch import nn

from runners.measure.counting.counters import kinds
from runners.measure.counting.counters.ptflops_book import Book, Call
from runners.measure.counting.counters.tally import Reason, no_product, no_rule

if TYPE_CHECKING:
    from runners.measure.counting.macs import MacCount

_KIND_OF_RULE = {
    "conv_flops_counter_hook": kinds.CONVOLUTION,
    "deformable_conv_flops_counter_hook": kinds.CONVOLUTION,
    "linear_flops_counter_hook": kinds.MATRIX,
    "bn_flops_counter_hook": kinds.NORMALISATION,
    "relu_flops_counter_hook": kinds.ACTIVATION,
    "pool_flops_counter_hook": kinds.POOLING,
    "upsample_flops_counter_hook": kinds.RESAMPLING,
    "rnn_flops_counter_hook": kinds.GATES,
    "rnn_cell_flops_counter_hook": kinds.GATES,
    "multihead_attention_counter_hook": kinds.ATTENTION,
    "timm_attention_counter_hook": kinds.ATTENTION,
}
_WITHOUT_A_HOOK = {
    "matmul": "`@` is not patched: counted as 0",
    "linear": "a linear layer that is no nn.Linear: counted as 0",
    "conv": "a convolution that is no layer of torch.nn: counted as 0",
}
_ON_TOP = {
    kinds.GATES: "counts biases and the arithmetic of gates",
    kinds.ATTENTION: "counts scaling, softmax and biases of attention",
}


def by_kind(book: Book) -> Counter[str]:
    """The amounts of the book."""
    amounts: Counter[str] = Counter()
    for module, amount in book.visits:
        amounts[_kind(book, module)] += amount
    for call in book.calls:
        amounts[kinds.kind_of(call.name)] += call.amount
    return amounts


def reasons(book: Book, ours: MacCount) -> list[Reason]:
    """Why the book differs from the house's count, each cause with its amount."""
    found: list[Reason] = []
    # The house's MACs that nothing in the book stands for.
    left = Counter(ours.by_operator)
    amounts = dict(book.visits)
    for module in book.rules:
        products = _own_products(book, module, ours)
        left.subtract(products)
        found += _of_module(book, module, amounts.get(module), products)
    for module, times in Counter(module for module, _ in book.visits).items():
        words = "a shared module is summed once for each of its parents"
        found.append(Reason(_kind(book, module), words, (times - 1) * amounts[module]))
    for call in book.calls:
        left[call.name] -= call.macs
        found.append(_of_call(call))
    return [*found, *_of_what_is_left(left)]


def _kind(book: Book, module: nn.Module) -> str:
    """What its hook counts; a module that never ran has an amount of 0 and no rule."""
    return _KIND_OF_RULE.get(book.rules.get(module, ""), kinds.OTHER)


def _own_products(book: Book, module: nn.Module, ours: MacCount) -> Counter[str]:
    """The house's MACs by operator of a module, without modules below it that have a hook."""
    own = Counter(ours.operators_by_module[book.names[module]])
    for below in module.modules():
        if below is not module and below in book.rules:
            own.subtract(_own_products(book, below, ours))
    return own


def _of_module(
    book: Book, module: nn.Module, amount: int | None, products: Mapping[str, int]
) -> Iterator[Reason]:
    kind = _kind(book, module)
    for name, macs in products.items():
        home = kinds.kind_of(name)
        if amount is None:
            yield Reason(home, "below a module with a hook, which ends the sum", -macs)
        elif home != kind:
            yield Reason(home, f"booked as {kind}", -macs)
            yield Reason(kind, f"{home} of the same module", macs)
    if amount is None:
        return
    more = amount - sum(products.values())
    if module in book.biases:
        yield Reason(kind, "counts the additions of biases", book.biases[module])
    elif kind in _ON_TOP:
        yield Reason(kind, _ON_TOP[kind], more)
    elif not any(products.values()):
        yield no_product(kind, more)


def _of_call(call: Call) -> Reason:
    kind = kinds.kind_of(call.name)
    more = call.amount - call.macs
    if call.macs and call.name in ("addmm", "baddbmm"):
        return Reason(kind, "counts the addition of the added matrix", more)
    if call.macs:
        return Reason(kind, "misreads broadcasting or a vector", more)
    if call.inside_hooked:
        return Reason(kind, "again in the patched function that a hooked module calls", more)
    return no_product(kind, more)


def _of_what_is_left(left: Mapping[str, int]) -> Iterator[Reason]:
    for name, macs in left.items():
        kind = kinds.kind_of(name)
        if macs < 0:
            yield Reason(kind, "in a hooked module and again in a patched function", -macs)
        elif name in _WITHOUT_A_HOOK:
            yield Reason(kind, _WITHOUT_A_HOOK[name], -macs)
        else:
            yield no_rule(name, macs)
