"""Peak memory of an inference and of training steps, each measured in a fresh process."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from pathlib import Path

import torch
from torch import Tensor, nn

from runners.measure.forms.forms import load_form_libraries, make_form
from runners.measure.forms.variant import FormVariant, PreparedForm
from runners.measure.network_io import input_dtype, tensors_of
from runners.measure.targets import Target

TRAINING_BATCH = 8
"""Batch size of the measured training steps: a single image breaks BatchNorm on 1x1 maps."""
_TRAINING_STEPS = 2  # AdamW allocates its moments in the first step


def inference_peak(variant: FormVariant, prepared: PreparedForm, device: torch.device) -> int:
    """Measure the peak of one batch-1 inference in bytes, weights included.

    On CUDA this is the allocated memory, on a CPU the resident set above that of the empty
    process; temporary memory of initializing the weights is excluded. To be run in a fresh process.
    """
    torch.set_num_threads(1)
    variant.target.load()
    load_form_libraries(variant.form)
    x = variant.target.make_input(1)
    before = _baseline(device)
    form = make_form(variant, prepared, device, threads=1)
    call, adapted = form.make_call(), form.adapt(x)
    del form  # it holds a second copy of the weights
    _reset_peak(device)
    with torch.inference_mode():
        call(adapted)
    return _peak(device) - before


def training_peak(target: Target, device: torch.device) -> int:
    """Measure the peak of training steps (forward, backward, AdamW; a batch of 8) in bytes.

    The loss is the mean square of all outputs. To be run in a fresh process.
    """
    torch.set_num_threads(1)
    target.load()
    _load_training_libraries()
    x = target.make_input(TRAINING_BATCH)
    before = _baseline(device)
    network = target.build().to(device).train()
    optimizer = torch.optim.AdamW(network.parameters()) if list(network.parameters()) else None
    _reset_peak(device)
    inputs = x.to(device, input_dtype(network))
    for _ in range(_TRAINING_STEPS):
        _step(network, inputs, optimizer)
    return _peak(device) - before


def _step(network: nn.Module, x: Tensor, optimizer: torch.optim.Optimizer | None) -> None:
    outputs = tensors_of(network(x))
    loss = sum((leaf.float().square().mean() for leaf in outputs), x.new_zeros(()))
    if loss.requires_grad:
        loss.backward()  # type: ignore[no-untyped-call]
    if optimizer is not None:
        optimizer.step()
        optimizer.zero_grad()


def _load_training_libraries() -> None:
    """Run one step of a tiny network, so that autograd and AdamW count for no other network."""
    tiny = nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3, groups=4))
    _step(tiny, torch.zeros(2, 4, 4, 4), torch.optim.AdamW(tiny.parameters()))


def _baseline(device: torch.device) -> int:
    if device.type == "cuda":
        torch.cuda.empty_cache()
        return torch.cuda.memory_allocated(device)
    load_kernels()
    return resident_peak(reset=True)


def _reset_peak(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    else:
        resident_peak(reset=True)


def _peak(device: torch.device) -> int:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        return torch.cuda.max_memory_allocated(device)
    return resident_peak()


def load_kernels() -> None:
    """Run one tiny layer of each kind, so that the kernel library counts for no network."""
    with torch.inference_mode():
        image = torch.zeros(1, 4, 4, 4)
        torch.nn.BatchNorm2d(4).eval()(torch.nn.Conv2d(4, 4, 3, groups=4)(image))
        torch.nn.Conv2d(4, 4, 1)(image)
        torch.bmm(image[0], image[0])


def resident_peak(*, reset: bool = False) -> int:
    """Peak of the resident set in bytes; `reset` lowers it to the current size."""
    if sys.platform == "linux":
        if reset:
            _trim_heap()
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        status = Path("/proc/self/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _trim_heap() -> None:
    """Return freed memory to the system: glibc keeps as much as a whole copy of the weights."""
    with contextlib.suppress(AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)
