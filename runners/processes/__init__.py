"""Run functions in fresh processes, with time limits and errors of one line."""

from runners.processes.isolated import (
    ProcessDied,
    ProcessFailed,
    ProcessTimeout,
    process_context,
    run_isolated,
    run_parallel,
    spawn,
)

__all__ = [
    "ProcessDied",
    "ProcessFailed",
    "ProcessTimeout",
    "process_context",
    "run_isolated",
    "run_parallel",
    "spawn",
]
