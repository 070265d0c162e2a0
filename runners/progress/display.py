"""Progress on the terminal: bars with throughput and time left, a line for each arm that ends."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

import reports
from runners.progress.listener import Step, Watch
from runners.records.record import Record, State


@dataclass
class _Task:
    """One evaluation on its way: its bar, when it began, how much of it is done."""

    bar: TaskID
    began: float
    share: float = 0.0


class Display(Watch):
    """Progress on stderr, and the first table of costs on `tables`, where there is one.

    Args:
        console: where bars and lines go; bars appear only on a terminal.
        tables: where the table of costs goes as soon as it is known; None shows none.
    """

    def __init__(self, console: Console, tables: Console | None) -> None:
        self._console, self._tables = console, tables
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._tasks: dict[tuple[str, int], _Task] = {}
        self._stage: TaskID | None = None
        self._all: TaskID | None = None
        self._evaluations = self._ended = 0

    def stage(self, text: str) -> None:
        self._progress.start()
        if self._stage is None:
            self._stage = self._progress.add_task(text, total=None, rate="")
        self._progress.update(self._stage, description=text)

    def costs(self, records: Sequence[Record]) -> None:
        self._progress.stop()
        if self._stage is not None:
            self._progress.remove_task(self._stage)
            self._stage = None
        if self._tables is not None:
            rows = [record.flat() for record in records]
            self._tables.print(
                reports.comparison_grid(reports.summarise(rows, title="Costs"), notes=False)
            )

    def begin(self, evaluations: int) -> None:
        self._evaluations = evaluations
        self._progress.start()
        self._all = self._progress.add_task("all arms", total=float(evaluations), rate="")

    def arm(self, name: str, seed: int) -> None:
        bar = self._progress.add_task(f"{name}, seed {seed}", total=None, rate="")
        self._tasks[name, seed] = _Task(bar, time.monotonic())

    def step(self, name: str, seed: int, step: Step) -> None:
        task = self._tasks[name, seed]
        task.share = step.images / step.total_images
        rate = step.images / (time.monotonic() - task.began)
        self._progress.update(
            task.bar,
            description=f"{name}, seed {seed}, epoch {step.epoch}",
            total=step.total_images,
            completed=step.images,
            rate=f"{rate:,.0f} images/s",
        )
        self._update_all()

    def finished(self, record: Record) -> None:
        self._progress.remove_task(self._tasks.pop((record.name, record.seed)).bar)
        self._ended += 1
        self._update_all()
        if record.quality is not None and record.quality.test_accuracy is not None:
            result = f"{record.quality.test_accuracy:.2%} test accuracy"
            result += f" in {record.quality.train_seconds:.0f} s"
        else:
            failed = record.state is State.FAILED
            result = f"failed: {record.reason}" if failed else "costs measured"
        label = f"[{self._ended}/{self._evaluations}] {record.name}, seed {record.seed}"
        self._console.print(f"{label}: {result}", markup=False, highlight=False)

    def _update_all(self) -> None:
        assert self._all is not None
        done = self._ended + sum(task.share for task in self._tasks.values())
        self._progress.update(self._all, completed=done)

    def close(self, folder: Path) -> None:
        self._progress.stop()
