"""The contract between engines, which run evaluations, and task queues, which decide on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from runners.evaluate import OnStep, RunTiming, ShouldContinue
from runners.progress.listener import Step
from runners.records.record import Record

Work: TypeAlias = Callable[[OnStep, ShouldContinue, RunTiming], Record]
"""An evaluation; it is pickled, so that any process can run it."""


@dataclass(frozen=True)
class Task:
    """One evaluation to run.

    Args:
        key: identifies it among the running tasks.
        work: runs it.
        immediate: it takes no more than milliseconds, and is run without a process of its own.
        files: what an unfinished run leaves behind, for another process to continue from.
    """

    key: Any
    work: Work
    immediate: bool = False
    files: tuple[Path, ...] = ()


class TaskQueue(Protocol):
    """Decides what is evaluated, and stores the records. One thread makes all calls."""

    def next_task(self) -> Task | None:
        """Return a task to start now; None if there is none, at least until another one ends."""

    def report_step(self, task: Task, step: Step) -> None:
        """Take note of the progress of a training."""

    def should_continue(self, task: Task, record: Record) -> bool:
        """Whether a training continues after an epoch; if not, `record` is its result."""

    def complete(self, task: Task, record: Record) -> None:
        """Store the record of a task that has ended, finished or failed."""

    def report_lost(self, task: Task, reason: str, *, retry: bool = True) -> None:
        """Handle a task without a result, for a reason of one line.

        `retry`: whether another run may end otherwise, as after the death of a process.
        """

    def heartbeat(self) -> bool:
        """Called about once a second; False ends the run, whatever is running."""
