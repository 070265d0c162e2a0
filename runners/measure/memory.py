"""Peak memory of one inference: allocator on CUDA, resident set of a fresh process on a CPU."""

from __future__ import annotations

import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import torch
from torch import nn

from lolvit import Architecture, build
from runners.processes import context


def peak_memory(architecture: Architecture, device: torch.device) -> int:
    """Bytes that one batch-1 inference needs at most, weights included.

    What drawing the initial weights took and gave back is left out.

    Raises:
        RuntimeError: the process that measured ended early, out of memory say.
    """
    return _cuda_peak(architecture, device) if device.type == "cuda" else _cpu_peak(architecture)


def _infer(network: nn.Module, architecture: Architecture, device: torch.device) -> None:
    side = architecture.resolution
    with torch.inference_mode():
        network(torch.randn(1, architecture.in_channels, side, side, device=device))


def _cuda_peak(architecture: Architecture, device: torch.device) -> int:
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated(device)
    network = build(architecture, seed=0).to(device).eval()
    torch.cuda.reset_peak_memory_stats(device)
    _infer(network, architecture, device)
    torch.cuda.synchronize(device)
    return torch.cuda.max_memory_allocated(device) - before


def _cpu_peak(architecture: Architecture) -> int:
    processes: Any = context()
    receiver, sender = processes.Pipe(duplex=False)
    child = processes.Process(target=_measure_child, args=(architecture, sender), daemon=True)
    child.start()
    sender.close()
    try:
        return int(receiver.recv())
    except EOFError:
        child.join()
        raise RuntimeError(f"the memory probe ended with exit code {child.exitcode}") from None
    finally:
        child.join()


def _measure_child(architecture: Architecture, sender: Connection) -> None:
    torch.set_num_threads(1)
    load_kernels()
    before = resident_peak(reset=True)
    network = build(architecture, seed=0).eval()
    resident_peak(reset=True)
    _infer(network, architecture, torch.device("cpu"))
    sender.send(resident_peak() - before)


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
            Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
        status = Path("/proc/self/status").read_text(encoding="ascii")
        line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) * 1024
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
