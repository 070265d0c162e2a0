"""A limit of memory: greed must be the error of one process, not the end of the machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

import torch

from runners.records.errors import UserError, first_line

P = ParamSpec("P")
Result = TypeVar("Result")

_UNKNOWN_MACHINE_BYTES = 8 * 10**9
_SAID = ("allocate memory", "out of memory", "calculation overflowed", "bad alloc", "bad_alloc")


def free_memory() -> int:
    """Four fifths of the bytes this machine has free, where the system tells; else 8 GB."""
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return _UNKNOWN_MACHINE_BYTES
    line = next(line for line in text.splitlines() if line.startswith("MemAvailable:"))
    return int(line.split()[1]) * 1024 * 4 // 5


def limit_memory(more_bytes: int) -> None:
    """Let this process map only so much more, where the system has such a limit."""
    try:
        import resource
    except ImportError:
        return
    try:
        with open("/proc/self/statm", encoding="ascii") as file:
            mapped = int(file.read().split()[0]) * resource.getpagesize()
    except OSError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (mapped + more_bytes, hard))


class DoesNotFit(UserError):
    """What the user asked for needs more memory than there is."""


def run_within_memory(
    memory_bytes: int | None, function: Callable[P, Result], *given: P.args, **named: P.kwargs
) -> Result:
    """What the function returns, in this process, with so much memory above what it holds.

    None sets no limit.

    To be run in a fresh process: the limit stays.

    Raises:
        DoesNotFit: memory ran out.
    """
    if memory_bytes is not None:
        limit_memory(memory_bytes)
    try:
        return function(*given, **named)
    except Exception as error:
        if is_out_of_memory(error):
            raise DoesNotFit(f"does not fit into memory: {first_line(error)}") from error
        raise


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error says that memory ran out; CPU, CUDA and ONNX Runtime word it differently."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, Exception) and any(said in str(error) for said in _SAID)
