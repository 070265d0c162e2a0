"""Other MAC counters, each run as its users run it; records hold the count of ptflops.

A counter is a function of a network in eval mode and an image (1, C, H, W). It raises whatever
the tool raises, and `MacCounterError` where the tool reports a failure without an exception.
"""

from __future__ import annotations

import contextlib
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from fvcore.nn import FlopCountAnalysis
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from runners.measure.counting.forward import evaluation_mode, make_image, materialize, silence
from runners.measure.counting.import_ptflops import import_ptflops


class MacCounterError(RuntimeError):
    """A counter gave no number; the message is its own."""


class Tally(NamedTuple):
    """The result of one counter, in the unit that it calls MACs."""

    total: int
    """As the counter reports it."""
    by_operator: Mapping[str, int]
    """As the counter books it, under its own names; not derived from `total`."""


def count_ptflops(network: nn.Module, channels: int, height: int, width: int) -> int | None:
    """The total of ptflops' default backend for one image, or None if it raises; for comparison."""
    network = materialize(network)
    with evaluation_mode(network):
        try:
            return _run_ptflops(network, make_image(network, channels, height, width), "pytorch")
        except Exception:  # a failure of another counter must not fail the measurement
            return None


def fvcore_default(network: nn.Module, image: Tensor) -> Tally:
    """Fvcore with its default handles, by operator of the traced graph."""
    analysis = FlopCountAnalysis(network, image)
    analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
    by_operator = {name: int(macs) for name, macs in analysis.by_operator().items()}
    return Tally(int(analysis.total()), by_operator)


def torch_flops(network: nn.Module, image: Tensor) -> Tally:
    """Half of FlopCounterMode's total, which counts a multiplication and an addition as two."""
    counter = FlopCounterMode(display=False)
    learnable = [weight for weight in network.parameters() if weight.requires_grad]
    try:
        network.requires_grad_(False)  # the counter fails on weights passed between modules
        with counter:
            network(image)
    finally:
        for weight in learnable:
            weight.requires_grad = True
    flops = counter.get_flop_counts().get("Global", {})
    by_operator = {packet.__name__: n // 2 for packet, n in flops.items()}
    return Tally(counter.get_total_flops() // 2, by_operator)


def ptflops_aten(network: nn.Module, image: Tensor) -> Tally:
    """Ptflops' backend "aten": rules for a few operators of torch's dispatcher."""
    import_ptflops()
    from ptflops.aten_ops import ATEN_OPS_MAPPING

    amounts: Counter[str] = Counter()
    rules = {op: _recorded(rule, amounts, op.__name__) for op, rule in ATEN_OPS_MAPPING.items()}
    return Tally(_run_ptflops(network, image, "aten", rules), amounts)


def ptflops_pytorch(network: nn.Module, image: Tensor) -> Tally:
    """Ptflops' default backend: hooks on some module classes, and patched functions of torch."""
    import_ptflops()
    from ptflops import pytorch_ops

    amounts: Counter[str] = Counter()
    by_module: dict[nn.Module, int] = {}

    def recorded_hook(hook: Callable[..., None]) -> Callable[..., None]:
        def record(module: Any, inputs: Any, output: Any) -> None:
            hook(module, inputs, output)
            by_module[module] = int(module.__flops__)

        return record

    hooks = pytorch_ops.MODULES_MAPPING
    with contextlib.ExitStack() as stack:
        for mapping in (pytorch_ops.FUNCTIONAL_MAPPING, pytorch_ops.TENSOR_OPS_MAPPING):
            stack.callback(mapping.update, dict(mapping))
            for function, rule in mapping.items():
                mapping[function] = _recorded(rule, amounts, function.__name__)
        rules = {cls: recorded_hook(hook) for cls, hook in hooks.items()}
        total = _run_ptflops(network, image, "pytorch", rules)
    for module in _summed_modules(network, hooks):
        hook = hooks[type(module)]
        name = getattr(hook, "func", hook).__name__  # a partial has no name of its own
        amounts[re.sub("(_flops)?_counter_hook$", "", name)] += by_module.get(module, 0)
    return Tally(total, amounts)


def _recorded(rule: Callable[..., Any], amounts: Counter[str], name: str) -> Callable[..., Any]:
    """The same rule, whose results are also added to `amounts`."""

    def record(*args: Any, **kwargs: Any) -> Any:
        amount = rule(*args, **kwargs)
        amounts[name] += int(amount)
        return amount

    return record


def _summed_modules(module: nn.Module, classes: Mapping[Any, Any]) -> Iterator[nn.Module]:
    """Modules whose amounts ptflops adds up: shared ones once a parent, none inside another."""
    if type(module) in classes:
        yield module
        return
    for child in module.children():
        yield from _summed_modules(child, classes)


def _run_ptflops(
    network: nn.Module, image: Tensor, backend: str, rules: Mapping[Any, Any] | None = None
) -> int:
    """The total of a backend ("pytorch" or "aten"); `rules` by module or operator replace its own.

    Raises:
        MacCounterError: ptflops failed; the message is the last line that it wrote.
    """
    with silence() as errors:
        import_ptflops()
        from ptflops import get_model_complexity_info

        with _ptflops_undone(network):
            macs, _ = get_model_complexity_info(
                network,
                tuple(image.shape[1:]),
                as_strings=False,
                print_per_layer_stat=False,
                # Its own image is uninitialised memory.
                input_constructor=lambda _: image,
                custom_modules_hooks=dict(rules or {}),
                backend=backend,
            )
    if macs is None:
        raise MacCounterError(
            errors.getvalue().strip().rpartition("\n")[2] or "no number, no message"
        )
    return int(macs)


@contextlib.contextmanager
def _ptflops_undone(network: nn.Module) -> Iterator[None]:
    """Restore what ptflops patches in torch and sets on modules, even after an interrupt."""
    from ptflops import pytorch_engine
    from ptflops.pytorch_ops import FUNCTIONAL_MAPPING, TENSOR_OPS_MAPPING

    names = {function.__name__ for function in (*FUNCTIONAL_MAPPING, *TENSOR_OPS_MAPPING)}
    patched = [
        (owner, name, vars(owner).get(name)) for owner in (F, torch, torch.Tensor) for name in names
    ]
    attributes = [(module, set(vars(module))) for module in network.modules()]
    try:
        yield
    finally:
        pytorch_engine.CUSTOM_MODULES_MAPPING = {}
        for owner, name, value in patched:
            if value is not None:
                setattr(owner, name, value)
            elif name in vars(owner):  # a method that Tensor inherits
                delattr(owner, name)
        for module, before in attributes:
            for name in set(vars(module)) - before:
                if name.startswith("__") or "flops" in name:
                    delattr(module, name)
