"""Peak memory of an inference and of a training step, each in a process that did nothing before."""

from __future__ import annotations

import contextlib
import ctypes
import sys
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from runners.measure.forms.forms import make_form, rehearse
from runners.measure.forms.variant import FormVariant, PreparedForm
from runners.measure.targets import Target

TRAINING_BATCH = 8
"""Of the training steps whose memory is measured: one image alone breaks BatchNorm on 1x1 maps."""
_TRAINING_STEPS = 2  # AdamW makes its moments in the first step and holds them from then on


def inference_peak(variant: FormVariant, prepared: PreparedForm, device: torch.device) -> int:
    """Bytes that one batch-1 inference needs at most, weights included.

    On CUDA what the allocator handed out, on a CPU the resident set above that of the empty
    process; what drawing the weights took and gave back is left out. To be run in a fresh process.
    """
    torch.set_num_threads(1)
    variant.target.load()
    rehearse(variant.form)
    x = variant.target.make_input(1)
    before = _begin(device)
    form = make_form(variant, prepared, device, threads=1)
    call, adapted = form.fresh(), form.adapt(x)
    del form  # it holds a copy of the weights that no user would hold
    _forget_peak(device)
    with torch.inference_mode():
        call(adapted)
    return _peak(device) - before


def training_peak(target: Target, device: torch.device) -> int:
    """Bytes that training steps need at most: forward, backward, AdamW, on a batch of 8.

    The loss is the mean square of all outputs. To be run in a fresh process.
    """
    torch.set_num_threads(1)
    target.load()
    _rehearse_training()
    x = target.make_input(TRAINING_BATCH)
    before = _begin(device)
    network = target.build().to(device).train()
    optimizer = torch.optim.AdamW(network.parameters()) if list(network.parameters()) else None
    _forget_peak(device)
    inputs = x.to(device)
    for _ in range(_TRAINING_STEPS):
        _step(network, inputs, optimizer)
    return _peak(device) - before


def _step(network: nn.Module, x: Tensor, optimizer: torch.optim.Optimizer | None) -> None:
    outputs = [leaf for leaf in tree_leaves(network(x)) if isinstance(leaf, Tensor)]
    loss = sum((leaf.float().square().mean() for leaf in outputs), x.new_zeros(()))
    if loss.requires_grad:
        loss.backward()  # type: ignore[no-untyped-call]
    if optimizer is not None:
        optimizer.step()
        optimizer.zero_grad()


def _rehearse_training() -> None:
    """One step of a tiny network, so that loading autograd and AdamW counts for no other."""
    tiny = nn.Sequential(nn.Conv2d(4, 4, 1), nn.BatchNorm2d(4), nn.Conv2d(4, 4, 3, groups=4))
    _step(tiny, torch.zeros(2, 4, 4, 4), torch.optim.AdamW(tiny.parameters()))


def _begin(device: torch.device) -> int:
    if device.type == "cuda":
        torch.cuda.empty_cache()
        return torch.cuda.memory_allocated(device)
    load_kernels()
    return resident_peak(reset=True)


def _forget_peak(device: torch.device) -> None:
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
    """Run one tiny layer of each kind, so that loading the kernel library counts for no network."""
    with torch.inference_mode():
        image = torch.zeros(1, 4, 4, 4)
        torch.nn.BatchNorm2d(4).eval()(torch.nn.Conv2d(4, 4, 3, groups=4)(image))
        torch.nn.Conv2d(4, 4, 1)(image)
        torch.bmm(image[0], image[0])


def resident_peak(*, reset: bool = False) -> int:
    """High-water mark of the resident set in bytes; `reset` lowers it to what is held now."""
    if sys.platform == "linux":
        if reset:
            _give_back()
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        status = Path("/proc/self/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _give_back() -> None:
    """Let the system have what is freed: glibc keeps as much as a whole copy of the weights."""
    with contextlib.suppress(AttributeError):  # another C library
        ctypes.CDLL(None).malloc_trim(0)
