"""Timing for tasks on a cluster: on a node that declares it, one at a time."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ray

from runners.engines.ray.resources import NO_TIMING, TIMING, can_time
from runners.processes.isolated import ProcessDied, ProcessFailed, run_isolated
from runners.records.errors import UserError, named_line

_RETRIES = 3
_SECONDS_BETWEEN_LOOKS = 10.0
_PATIENCE_S = 120.0


@dataclass(frozen=True)
class _Failure:
    """What a function raised, as one line; exceptions of many kinds do not survive the journey."""

    line: str
    is_users: bool = False


def elsewhere(function: Callable[..., Any], *arguments: Any) -> Any:
    """What the function returns, run in a fresh process of a node for timings.

    Raises:
        UserError: the function raised one, or the last such node is gone for good.
        Exception: the function raised; class name and first line of the message are its own.
    """
    answer = _timer().remote(function, arguments)
    _wait(answer)
    found = ray.get(answer)
    if not isinstance(found, _Failure):
        return found
    if found.is_users:
        raise UserError(found.line)
    name, _, message = found.line.partition(": ")
    raise type(name, (RuntimeError,), {})(message)


@functools.cache
def _timer() -> Any:
    # Apart from the resources of the task that asks: its own node may not be one for timings.
    return ray.remote(_apart).options(
        num_cpus=0, resources={TIMING: 1}, max_retries=_RETRIES, scheduling_strategy="DEFAULT"
    )


def _wait(answer: Any) -> None:
    """A timing that no node can do would be waited for until somebody looks."""
    seen = time.monotonic()
    while not ray.wait([answer], timeout=_SECONDS_BETWEEN_LOOKS)[0]:
        if can_time():
            seen = time.monotonic()
        elif time.monotonic() - seen > _PATIENCE_S:
            raise UserError(NO_TIMING)


def _apart(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    # Ray hides the accelerators from who asks for none, and a timing shares one with trainings.
    if os.environ.get("CUDA_VISIBLE_DEVICES") == "":
        del os.environ["CUDA_VISIBLE_DEVICES"]
    try:
        # Not in this process: Ray gives it one timing after the other.
        return run_isolated(None, function, *arguments)
    except UserError as error:
        return _Failure(str(error), is_users=True)
    except ProcessDied as error:
        return _Failure(named_line(error))
    except ProcessFailed as error:
        return _Failure(str(error))
