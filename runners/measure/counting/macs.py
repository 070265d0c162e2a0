"""Multiply-accumulates of what runs: each operator that torch dispatches is counted or refused."""

from __future__ import annotations

import contextlib
import warnings
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode

from runners.measure.counting.forward import evaluation_mode, make_image, materialize
from runners.measure.counting.operators import (
    MACS,
    Cost,
    base_name,
    complex_factor,
    cost_of,
    display_name,
    full_name,
    is_view,
    tensors_in,
)
from runners.measure.counting.products import Contraction, ProductTracker

SUM_OF_PRODUCTS = "sum of products"


class UncountedOperator(RuntimeError):
    """An operator has no counting rule; the message names the operator and the module."""


@dataclass(frozen=True)
class MacCount:
    """MACs of one image: products that are added up; norms and activations are other_ops."""

    total: int
    by_operator: dict[str, int]
    by_module: dict[str, int]
    """Of each module including its children; "" is the whole network."""
    other_ops: dict[str, int]
    """Elements written by each operator that is not a multiply-accumulate."""
    multiplications: int = 0
    """Element-wise multiplications of two tensors that are in no sum of products."""
    uncounted: tuple[str, ...] = ()
    """Operators without a rule, sorted: if there are any, the other numbers are lower bounds."""


def count_macs(
    network: nn.Module,
    channels: int,
    height: int,
    width: int,
    *,
    seed: int = 0,
    allow_uncounted: bool = False,
) -> MacCount:
    """Count one forward pass of a (1, channels, height, width) image in eval mode.

    With seed 0 the standard-normal image is the one that targets are timed with. A network on the
    meta device is counted with stand-in weights on the CPU. The network is left as it was.

    Raises:
        UncountedOperator: an operator has no rule; it is never taken as zero. With
            `allow_uncounted`, such operators are listed in the result instead.
    """
    network = materialize(network)
    image = make_image(network, channels, height, width, seed)
    return count_call(network, image, allow_uncounted=allow_uncounted)


def count_call(network: nn.Module, x: Tensor, *, allow_uncounted: bool = False) -> MacCount:
    """Count one forward pass of these inputs, all that runs, in eval mode without gradients.

    Raises:
        UncountedOperator: as for `count_macs`.
    """
    with (
        evaluation_mode(network),
        warnings.catch_warnings(action="ignore"),
        _without_fast_path(),
        _Counting(network) as counting,
    ):
        network(x)
    if counting.uncounted and not allow_uncounted:
        operator, module = min(counting.uncounted.items())
        raise UncountedOperator(
            f"no counting rule for operator {operator} in module {module or 'the network itself'}"
        )
    return counting.result()


@contextlib.contextmanager
def _without_fast_path() -> Iterator[None]:
    """Torch's transformer layers in eval mode as products: one fused operator hides its sizes."""
    enabled = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(enabled)


class _Counting(TorchDispatchMode):
    """Adds up costs of all operators that torch dispatches, by operator and by module."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._by_operator: Counter[str] = Counter()
        self._by_module: Counter[str] = Counter()
        self._other_ops: Counter[str] = Counter()
        self.uncounted: dict[str, str] = {}
        self._products = ProductTracker()
        self._contractions: list[tuple[Contraction, int, set[str]]] = []
        self._names = {module: name for name, module in network.named_modules()}
        self._by_module.update(dict.fromkeys(self._names.values(), 0))
        self._inside = [""]
        self._hooks: list[Any] = []

    def __enter__(self) -> _Counting:
        self._hooks = [
            hook
            for module, name in self._names.items()
            if name
            for hook in (
                module.register_forward_pre_hook(self._enter_module),
                module.register_forward_hook(self._leave_module, always_call=True),
            )
        ]
        super().__enter__()  # type: ignore[no-untyped-call]
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)  # type: ignore[no-untyped-call]
        for hook in self._hooks:
            hook.remove()

    def __torch_dispatch__(
        self,
        func: OpOverload,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        tensors = list(tensors_in([args, kwargs or {}]))
        out = func(*args, **(kwargs or {}))
        results = list(tensors_in(out))
        if results and not is_view(func):
            self._count(func, args, tensors, results)
        return out

    def _count(
        self, func: OpOverload, args: tuple[Any, ...], tensors: list[Tensor], results: list[Tensor]
    ) -> None:
        name = base_name(func)
        contraction = self._products.observe(name, args, tensors, results)
        if contraction is not None:
            factor = complex_factor(tensors)
            self._contractions.append((contraction, factor, set(self._inside)))
        is_dense = all(tensor.layout is torch.strided for tensor in tensors)
        if func.namespace == "aten" and name in MACS and is_dense:
            label, rule = MACS[name]
            self._add(label, rule(args, results[0]) * complex_factor(tensors), set(self._inside))
            return
        cost = cost_of(func, tensors)
        if cost is Cost.UNKNOWN:
            self.uncounted.setdefault(full_name(func), self._inside[-1])
        elif cost is Cost.ELEMENTS:
            first = results[0]
            if first.numel() > 1 and (first.is_floating_point() or first.is_complex()):
                self._other_ops[display_name(name)] += first.numel()

    def result(self) -> MacCount:
        """The count of all that has run."""
        for contraction, factor, modules in self._contractions:
            if contraction.is_valid:
                self._add(SUM_OF_PRODUCTS, contraction.macs * factor, modules)
        self._contractions.clear()
        return MacCount(
            total=self._by_operator.total(),
            by_operator=dict(self._by_operator),
            by_module=dict(self._by_module),
            other_ops=dict(self._other_ops),
            multiplications=self._products.multiplications,
            uncounted=tuple(sorted(self.uncounted)),
        )

    def _add(self, operator: str, macs: int, modules: set[str]) -> None:
        self._by_operator[operator] += macs
        for module in modules:
            self._by_module[module] += macs

    def _enter_module(self, module: nn.Module, inputs: Any) -> None:
        self._inside.append(self._names[module])

    def _leave_module(self, module: nn.Module, inputs: Any, output: Any) -> None:
        self._inside.pop()
