"""Progress on the terminal: bars with throughput and time left, a line for each arm that ends."""

from __future__ import annotations

import time
from collections.abc import Sequence
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
from runners.record import Record, State
from runners.watch import Watch


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
        self._stage: TaskID | None = None
        self._all: TaskID | None = None
        self._arm: TaskID | None = None
        self._evaluations = self._ended = 0
        self._label, self._began = "", 0.0

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
            self._tables.print(reports.terminal(reports.summarise(rows, title="Costs")))

    def begin(self, evaluations: int) -> None:
        self._evaluations = evaluations
        self._progress.start()
        self._all = self._progress.add_task("all arms", total=float(evaluations), rate="")

    def arm(self, name: str, seed: int) -> None:
        self._label, self._began = f"{name}, seed {seed}", time.monotonic()
        self._arm = self._progress.add_task(self._label, total=None, rate="")

    def step(self, epoch: int, images: int, total_images: int) -> None:
        assert self._arm is not None and self._all is not None
        rate = images / (time.monotonic() - self._began)
        self._progress.update(
            self._arm,
            description=f"{self._label}, epoch {epoch}",
            total=total_images,
            completed=images,
            rate=f"{rate:,.0f} images/s",
        )
        self._progress.update(self._all, completed=self._ended + images / total_images)

    def finished(self, record: Record) -> None:
        self._ended += 1
        if self._arm is not None:
            self._progress.remove_task(self._arm)
        if self._all is not None:
            self._progress.update(self._all, completed=self._ended)
        if record.quality is not None:
            result = f"{record.quality.test_accuracy:.2%} test accuracy"
            result += f" in {record.quality.train_seconds:.0f} s"
        else:
            result = (
                f"failed: {record.reason}" if record.state is State.FAILED else "costs measured"
            )
        self._console.print(
            f"[{self._ended}/{self._evaluations}] {self._label}: {result}", markup=False
        )

    def close(self, folder: Path) -> None:
        self._progress.stop()
