"""One forward pass for counting: its image, stand-in weights, and a network left as it was."""

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

from runners.measure.network_io import input_dtype

_HOOKS = (
    "_forward_pre_hooks",
    "_forward_pre_hooks_with_kwargs",
    "_forward_hooks",
    "_forward_hooks_with_kwargs",
    "_forward_hooks_always_called",
)


def make_image(network: nn.Module, channels: int, height: int, width: int, seed: int = 0) -> Tensor:
    """A standard-normal image (1, channels, height, width), in the dtype of the weights.

    With seed 0 it is the one that targets are timed with.
    """
    weight = next(network.parameters(), torch.empty(0))
    image = torch.randn(1, channels, height, width, generator=torch.Generator().manual_seed(seed))
    return image.to(weight.device, input_dtype(network))


def materialize(network: nn.Module) -> nn.Module:
    """The network itself, or a copy with zeros on the CPU if it is on the meta device.

    torch's tracer loses convolutions on the meta device, so shapes alone are not enough.
    """
    if not any(t.is_meta for t in itertools.chain(network.parameters(), network.buffers())):
        return network

    def zeros(weight: Tensor) -> Tensor:
        return torch.zeros_like(weight, device="cpu") if weight.is_meta else weight

    return cast(nn.Module, copy.deepcopy(network)._apply(zeros))  # type: ignore[no-untyped-call]


@contextlib.contextmanager
def evaluation_mode(network: nn.Module) -> Iterator[None]:
    """Eval mode without gradients in the block; modes and hooks are restored after it.

    Counters leave hooks behind: fvcore when a forward pass fails, ptflops always.
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
        for module, training, hooks in before:
            module.training = training
            for name, keys in hooks.items():
                current = getattr(module, name)
                for key in set(current) - keys:
                    del current[key]


@contextlib.contextmanager
def silence() -> Iterator[io.StringIO]:
    """Suppress prints and warnings in the block; yields the text written to stderr."""
    errors = io.StringIO()
    with (
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(errors),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield errors
