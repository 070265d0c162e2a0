"""What an engine serves: a desk that hands out tasks and takes in what becomes of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from runners.progress.listener import Step
from runners.records.record import Record

OnStep: TypeAlias = Callable[[int, int, int], None]
"""Told after each step: epoch, images trained on so far, images that the training will see."""
GoOn: TypeAlias = Callable[[Record], bool]
"""Asked after each epoch but the last, with the record if it ends here: is it worth another?"""
Timing: TypeAlias = Callable[..., Any]
"""timing(function, *arguments): what the function returns, run where a device may be timed."""
Work: TypeAlias = Callable[[OnStep, GoOn, Timing], Record]
"""An evaluation; to be pickled, so that any process can do it."""


def here(function: Callable[..., Any], *arguments: Any) -> Any:
    """Timing on the machine that trains."""
    return function(*arguments)


@dataclass(frozen=True)
class Task:
    """One evaluation to be done.

    Args:
        key: names it among those under way.
        work: does it.
        at_once: it takes no more than milliseconds, and no process of its own.
        files: what it leaves, if it does not come to its end, for another process to go on from.
    """

    key: Any
    work: Work
    at_once: bool = False
    files: tuple[Path, ...] = ()


class Desk(Protocol):
    """Decides what is evaluated, and keeps what comes of it. All calls come from one thread."""

    def next(self) -> Task | None:
        """A task to begin now; None where there is none, at least until another one ends."""

    def step(self, task: Task, step: Step) -> None:
        """A training went on a bit."""

    def go_on(self, task: Task, record: Record) -> bool:
        """Whether a training goes on after an epoch; where not, `record` will be its result."""

    def done(self, task: Task, record: Record) -> None:
        """A task ended, well or not."""

    def lost(self, task: Task, reason: str) -> None:
        """Who did the task died; the reason is one line."""

    def beat(self) -> bool:
        """Called about once a second; False ends the run, whatever is under way."""
