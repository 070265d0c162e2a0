"""Memory limits, so that too much memory is an error of one process, not of the machine."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch

from runners.machine.facts import available_memory_bytes, query_psutil
from runners.records.errors import UserError, first_line

P = ParamSpec("P")
Result = TypeVar("Result")

_UNKNOWN_MACHINE_BYTES = 8 * 10**9
_OUT_OF_MEMORY_TEXTS = (
    "allocate memory",
    "out of memory",
    "calculation overflowed",
    "bad alloc",
    "bad_alloc",
)


def free_memory() -> int:
    """Four fifths of the available memory in bytes; 8 GB if it is unknown."""
    available = available_memory_bytes()
    return available * 4 // 5 if available is not None else _UNKNOWN_MACHINE_BYTES


def limit_memory(more_bytes: int) -> None:
    """Limit what this process can map in addition, where the system supports such a limit."""
    try:
        import resource
    except ImportError:
        return
    mapped = query_psutil(lambda ps: int(ps.Process().memory_info().vms))
    if mapped is None:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (mapped + more_bytes, hard))


class DoesNotFit(UserError):
    """A request of the user needs more memory than there is."""


def run_within_memory(
    memory_bytes: int | None, function: Callable[P, Result], *args: P.args, **kwargs: P.kwargs
) -> Result:
    """Call the function with a limit on additional memory; None sets no limit.

    To be run in a fresh process, because the limit stays.

    Raises:
        DoesNotFit: memory ran out.
    """
    if memory_bytes is not None:
        limit_memory(memory_bytes)
    try:
        return function(*args, **kwargs)
    except Exception as error:
        if is_out_of_memory(error):
            raise DoesNotFit(f"does not fit into memory: {first_line(error)}") from error
        raise


def is_out_of_memory(error: Exception) -> bool:
    """Whether an error means that memory ran out; each library words it differently."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return any(text in str(error) for text in _OUT_OF_MEMORY_TEXTS)
