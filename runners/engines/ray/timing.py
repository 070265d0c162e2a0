"""Run timings of tasks on a cluster: on a node that declares `timing`, one at a time."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ray

from runners.engines.ray.resources import NO_TIMING_NODE, TIMING, has_timing_node
from runners.processes.isolated import ProcessDied, ProcessFailed, run_isolated
from runners.records.errors import UserError, named_line

_RETRIES = 3
_SECONDS_BETWEEN_CHECKS = 10.0
_NO_NODE_TIMEOUT_S = 120.0


@dataclass(frozen=True)
class _Failure:
    """What a function raised, as one line: many exceptions cannot be unpickled elsewhere."""

    line: str
    is_user_error: bool = False


def run_on_timing_node(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run a function in a fresh process of a timing node, and return its result.

    Raises:
        UserError: the function raised one, or no timing node has been alive for two minutes.
        Exception: the function raised; class name and first line of the message are kept.
    """
    reference = _remote_timing().remote(function, arguments)
    _wait(reference)
    result = ray.get(reference)
    if not isinstance(result, _Failure):
        return result
    if result.is_user_error:
        raise UserError(result.line)
    name, _, message = result.line.partition(": ")
    raise type(name, (RuntimeError,), {})(message)


@functools.cache
def _remote_timing() -> Any:
    # "DEFAULT" leaves the placement group of the calling task: its node may not be a timing node.
    return ray.remote(_run_timing).options(
        num_cpus=0, resources={TIMING: 1}, max_retries=_RETRIES, scheduling_strategy="DEFAULT"
    )


def _wait(reference: Any) -> None:
    """Wait for a timing, but not forever: Ray itself waits for a node that may never come."""
    last_seen = time.monotonic()
    while not ray.wait([reference], timeout=_SECONDS_BETWEEN_CHECKS)[0]:
        if has_timing_node():
            last_seen = time.monotonic()
        elif time.monotonic() - last_seen > _NO_NODE_TIMEOUT_S:
            raise UserError(NO_TIMING_NODE)


def _run_timing(function: Callable[..., Any], arguments: tuple[Any, ...]) -> Any:
    # Ray hides accelerators from tasks that request none; a timing shares one with trainings.
    if os.environ.get("CUDA_VISIBLE_DEVICES") == "":
        del os.environ["CUDA_VISIBLE_DEVICES"]
    try:
        # In a process of its own, because Ray reuses this one for later timings.
        return run_isolated(None, function, *arguments)
    except UserError as error:
        return _Failure(str(error), is_user_error=True)
    except ProcessDied as error:
        return _Failure(named_line(error))
    except ProcessFailed as error:
        return _Failure(str(error))
