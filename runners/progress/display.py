"""Progress on the terminal: bars with rates and remaining time, a line for each evaluation."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

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
from runners.progress.listener import Listener, Step
from runners.records.objectives import UNITS, Objectives, objective_values
from runners.records.record import Record, State

_STATES = ("finished", "pruned", "failed", "infeasible", "duplicate")
_SECONDS_BETWEEN_UPDATES = 0.5


@dataclass
class _RunningEvaluation:
    bar: TaskID
    start_s: float
    share: float = 0.0


class ProgressDisplay(Listener):
    """Progress on stderr, and a first table of costs where one is wanted.

    Args:
        console: where bars and lines go; bars appear on terminals only.
        tables: where the table of costs goes once all are measured; None prints none.
        objectives: of a search, whose best values and hypervolume are shown; empty for none.
        total: results wanted of a search; other jobs report their number of evaluations.
        lines: whether each evaluation gets a bar while it runs and a line at its end.
    """

    def __init__(
        self,
        console: Console,
        tables: Console | None = None,
        objectives: Objectives | None = None,
        total: int = 0,
        *,
        lines: bool = True,
    ) -> None:
        self._console, self._tables, self._lines = console, tables, lines
        self._objectives: Objectives = objectives or {}
        self._total, self._ended = total, 0
        self._points: list[tuple[float, ...]] = []
        self._running: dict[tuple[str, int], _RunningEvaluation] = {}
        self._stage: TaskID | None = None
        self._overall: TaskID | None = None
        self._last_update_s = 0.0
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

    def on_stage(self, text: str) -> None:
        self._progress.start()
        if self._stage is None:
            self._stage = self._progress.add_task(text, total=None, rate="")
        self._progress.update(self._stage, description=text)

    def on_note(self, text: str) -> None:
        self._print(text)

    def on_costs(self, records: Sequence[Record]) -> None:
        self._progress.stop()
        if self._stage is not None:
            self._progress.remove_task(self._stage)
            self._stage = None
        if self._tables is not None:
            rows = [record.flat() for record in records]
            self._tables.print(
                reports.comparison_grid(reports.summarise(rows, title="Costs"), notes=False)
            )

    def on_total(self, evaluations: int) -> None:
        self._total = evaluations
        self._start_overall("all arms")

    def on_start(self, name: str, seed: int) -> None:
        if self._lines:
            self._start_overall("searching")
            bar = self._progress.add_task(self._label(name, seed), total=None, rate="")
            self._running[name, seed] = _RunningEvaluation(bar, time.monotonic())

    def on_step(self, name: str, seed: int, step: Step) -> None:
        if (name, seed) not in self._running:
            return
        running = self._running[name, seed]
        running.share = step.images / step.total_images
        rate = step.images / (time.monotonic() - running.start_s)
        self._progress.update(
            running.bar,
            description=f"{self._label(name, seed)}, epoch {step.epoch}",
            total=step.total_images,
            completed=step.images,
            rate=f"{rate:,.0f} images/s",
        )
        if not self._objectives:
            self._update_overall()

    def on_retry(self, name: str, seed: int, reason: str) -> None:
        self._remove_bar(name, seed)
        self._print(f"{self._label(name, seed)}: {reason}; it will be retried")

    def on_end(self, record: Record) -> None:
        self._remove_bar(record.name, record.seed)
        result = objective_values(record, self._objectives) if self._objectives else None
        if record.state is State.FINISHED and result is not None:
            self._points.append(result)
        label = self._label(record.name, record.seed)
        if not self._objectives:
            self._ended += 1
            self._update_overall()
            label = f"[{self._ended}/{self._total}] {label}"
        if self._lines:
            self._print(f"{label}: {self._describe(record, result)}")

    def on_counts(self, counts: Mapping[str, int]) -> None:
        self._ended = counts.get("finished", 0) + counts.get("pruned", 0)
        now = time.monotonic()
        if now - self._last_update_s < _SECONDS_BETWEEN_UPDATES and self._ended < self._total:
            return
        self._last_update_s = now
        self._start_overall("searching")
        states = ", ".join(f"{counts[state]} {state}" for state in _STATES if counts.get(state))
        self._update_overall(f"{states}{self._describe_best()}" or "searching")

    def close(self) -> None:
        self._progress.stop()

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False)

    def _label(self, name: str, seed: int) -> str:
        """All trials of a search have one seed."""
        return name if self._objectives else f"{name}, seed {seed}"

    def _start_overall(self, description: str) -> None:
        self._progress.start()
        if self._overall is None:
            self._overall = self._progress.add_task(description, total=float(self._total), rate="")

    def _update_overall(self, description: str | None = None) -> None:
        if self._overall is None:
            return
        done = float(self._ended)
        if not self._objectives:
            done += sum(running.share for running in self._running.values())
        rate = f"{self._ended}/{self._total}"
        # rich keeps the description where this one is None.
        self._progress.update(self._overall, completed=done, rate=rate, description=description)

    def _remove_bar(self, name: str, seed: int) -> None:
        running = self._running.pop((name, seed), None)
        if running is not None:
            self._progress.remove_task(running.bar)

    def _describe(self, record: Record, result: tuple[float, ...] | None) -> str:
        numbers = ""
        if result is not None:
            numbers = ", ".join(map(_format_value, self._objectives, result))
        elif record.quality is not None and record.quality.test_accuracy is not None:
            numbers = f"{record.quality.test_accuracy:.2%} test accuracy"
            numbers += f" in {record.quality.train_seconds:.0f} s"
        if record.state is State.FINISHED:
            return numbers or "costs measured"
        return f"{record.state.value}: {record.reason}" + (f" ({numbers})" if numbers else "")

    def _describe_best(self) -> str:
        """The best value of each objective, and the hypervolume of all finished trials."""
        if not self._points:
            return ""
        from reports.statistics import hypervolume, reference_and_ideal

        columns = zip(*self._points, strict=True)
        best = [
            _format_value(name, max(column) if direction == "maximize" else min(column))
            for (name, direction), column in zip(self._objectives.items(), columns, strict=True)
        ]
        directions = list(self._objectives.values())
        box = reference_and_ideal(self._points, directions)
        volume = hypervolume(self._points, directions, *box)
        return f"; best {' | '.join(best)}; hypervolume {volume:.3f}"


def _format_value(name: str, value: float) -> str:
    scale, unit = UNITS[name]
    return f"{value * scale:.4g} {unit}"
