"""ptflops' default backend: hooks on some classes of module, and some functions of torch patched.

What it adds up is the book of every module that it visits (`accumulate_flops`) and the list of
what its patched functions said; both are read here as they are filled.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from runners.measure.counting.counters.ptflops_book import Book
from runners.measure.counting.counters.ptflops_reasons import by_kind, reasons
from runners.measure.counting.counters.ptflops_run import run
from runners.measure.counting.counters.tally import Tally

if TYPE_CHECKING:
    from runners.measure.counting.macs import MacCount


def tally(network: nn.Module, image: Tensor, ours: MacCount) -> Tally:
    """What `get_model_complexity_info(...)` says.

    Raises:
        CounterFailed: ptflops gave up.
    """
    from ptflops import pytorch_engine, pytorch_ops

    book = Book(network)
    rules = {kind: _on_module(book, hook) for kind, hook in pytorch_ops.MODULES_MAPPING.items()}
    accumulate = _on_visit(book, pytorch_engine)
    with contextlib.ExitStack() as stack:
        for mapping in (pytorch_ops.FUNCTIONAL_MAPPING, pytorch_ops.TENSOR_OPS_MAPPING):
            watched = {
                function: _on_call(book, function, rule) for function, rule in mapping.items()
            }
            stack.enter_context(_replaced(mapping, watched))
        stack.enter_context(_replaced(vars(pytorch_engine), {"accumulate_flops": accumulate}))
        for module in network.modules():
            if type(module) in rules:
                module.register_forward_pre_hook(book.enter)
        total = run(network, image, "pytorch", rules)
    return Tally(total, by_kind(book), tuple(reasons(book, ours)))


def _on_module(book: Book, hook: Callable[..., None]) -> Callable[..., None]:
    # A partial has no name of its own.
    name = getattr(hook, "func", hook).__name__

    def watch(module: Any, inputs: Any, output: Any) -> None:
        hook(module, inputs, output)
        book.leave(module, name, output)

    return watch


def _on_call(book: Book, function: Any, rule: Callable[..., Any]) -> Callable[..., Any]:
    def watch(*args: Any, **kwargs: Any) -> Any:
        amount = rule(*args, **kwargs)
        # A fraction, which a fractional scale of a map makes, it drops once, at the end.
        book.call(function.__name__, int(amount), args)
        return amount

    return watch


def _on_visit(book: Book, engine: Any) -> Callable[[nn.Module], Any]:
    original = engine.accumulate_flops

    def watch(module: nn.Module) -> Any:
        amount = original(module)
        if engine.is_supported_instance(module):
            book.visit(module, int(amount))
        return amount

    return watch


@contextlib.contextmanager
def _replaced(mapping: dict[Any, Any], values: dict[Any, Any]) -> Iterator[None]:
    """Other values under known keys for the block."""
    before = {key: mapping[key] for key in values}
    mapping.update(values)
    try:
        yield
    finally:
        mapping.update(before)
