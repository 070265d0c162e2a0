"""Running ptflops: its print-outs silenced, its failures raised, its patches and marks undone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from runners.measure.counting.counters.forward import silence
from runners.measure.counting.counters.tally import CounterFailed

_ABSENT = object()


def run(network: nn.Module, image: Tensor, backend: str, hooks: Mapping[Any, Any]) -> int:
    """The total that ptflops reports.

    Args:
        network: in eval mode.
        image: (1, channels, height, width).
        backend: "pytorch" or "aten".
        hooks: rules in place of its own, by type of module or by operator.

    Raises:
        CounterFailed: ptflops gave up; the message is the last line that it wrote.
    """
    with silence() as said:
        from ptflops import get_model_complexity_info

        with _undone(network):
            macs, _ = get_model_complexity_info(
                network,
                tuple(image.shape[1:]),
                as_strings=False,
                print_per_layer_stat=False,
                # Its own image is memory that nobody wrote.
                input_constructor=lambda _: image,
                custom_modules_hooks=dict(hooks),
                backend=backend,
            )
    if macs is None:
        raise CounterFailed(said.getvalue().strip().rpartition("\n")[2] or "it gave no number")
    return int(macs)


@contextlib.contextmanager
def _undone(network: nn.Module) -> Iterator[None]:
    """What ptflops replaces in torch and sets on modules is as it was, whatever happens."""
    from ptflops import pytorch_engine
    from ptflops.pytorch_ops import FUNCTIONAL_MAPPING, TENSOR_OPS_MAPPING

    names = {operator.__name__ for operator in (*FUNCTIONAL_MAPPING, *TENSOR_OPS_MAPPING)}
    patched = [
        (owner, name, vars(owner).get(name, _ABSENT))
        for owner in (F, torch, torch.Tensor)
        for name in names
    ]
    attributes = [(module, set(vars(module))) for module in network.modules()]
    try:
        yield
    finally:
        pytorch_engine.CUSTOM_MODULES_MAPPING = {}
        for owner, name, value in patched:
            if value is not _ABSENT:
                setattr(owner, name, value)
            elif name in vars(owner):  # a method of Tensor that was inherited
                delattr(owner, name)
        for module, known in attributes:
            for name in set(vars(module)) - known:
                if name in _MARKS:
                    delattr(module, name)


_MARKS = {
    "start_flops_count",
    "stop_flops_count",
    "reset_flops_count",
    "compute_average_flops_cost",
    "accumulate_flops",
    "__batch_counter__",
    "__batch_counter_handle__",
    "__flops__",
    "__params__",
    "__flops_handle__",
}
