"""One forward pass for counting: its image, stand-ins for absent weights, and no trace of it."""

from __future__ import annotations

import contextlib
import copy
import io
import itertools
import warnings
from collections.abc import Iterator
from typing import cast

import torch
from torch import Tensor, nn

_HOOKS = (
    "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs",
    "_forward_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
)


def image_for(network: nn.Module, channels: int, height: int, width: int) -> Tensor:
    """Zeros of (1, channels, height, width), in the weights' number type and on their device."""
    parameter = next(network.parameters(), torch.empty(0))
    return torch.zeros(1, channels, height, width, device=parameter.device, dtype=parameter.dtype)


def with_weights(network: nn.Module) -> nn.Module:
    """The network itself, or for one on the meta device a copy with zeros, on the CPU.

    torch's tracer loses convolutions on the meta device, so that shapes alone are not enough.
    """
    if not any(t.is_meta for t in itertools.chain(network.parameters(), network.buffers())):
        return network

    def zeros(weight: Tensor) -> Tensor:
        return torch.zeros_like(weight, device="cpu") if weight.is_meta else weight

    return cast(nn.Module, copy.deepcopy(network)._apply(zeros))  # type: ignore[no-untyped-call]


@contextlib.contextmanager
def untouched(network: nn.Module) -> Iterator[None]:
    """Eval mode without gradients for the block; modes and hooks as they were afterwards.

    Counters leave hooks behind: fvcore when a forward fails, ptflops always.
    """
    before = [
        (module, module.training, {name: set(getattr(module, name)) for name in _HOOKS})
        for module in network.modules()
    ]
    network.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training, known in before:
            module.training = training
            for name, keys in known.items():
                hooks = getattr(module, name)
                for key in set(hooks) - keys:
                    del hooks[key]


@contextlib.contextmanager
def silence() -> Iterator[io.StringIO]:
    """Nothing printed or warned in the block; what went to stderr is in the yielded text."""
    said = io.StringIO()
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(said),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield said
