"""Progress of a search on the terminal: counts, the best so far, hypervolume, trials under way."""

from __future__ import annotations

import time
from collections.abc import Mapping

from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from reports.statistics.fronts import hypervolume, ideal_point, reference_point
from runners.progress.listener import Step
from runners.progress.search_listener import SearchWatch
from runners.records.record import Record, State
from runners.search.candidate import Candidate
from runners.search.objectives import VAL_ACCURACY, Objectives, objective_values

_SHOWN = ("finished", "pruned", "failed", "infeasible", "duplicate")
_SECONDS_BETWEEN = 0.5
_UNITS = {
    "latency_ms": (1.0, "ms"),
    "latency_ratio": (1.0, "x the reference"),
    "macs": (1e-6, "M MACs"),
    "params": (1e-6, "M params"),
    "peak_memory_bytes": (1e-6, "MB"),
    VAL_ACCURACY: (100.0, "%"),
}


class SearchDisplay(SearchWatch):
    """Progress on stderr.

    Args:
        console: where it goes; bars appear only on a terminal.
        trials: results wanted.
        objectives: names and directions.
        lines: whether each trial that ends gets a line.
    """

    def __init__(
        self, console: Console, trials: int, objectives: Objectives, *, lines: bool
    ) -> None:
        self._console, self._trials, self._objectives = console, trials, objectives
        self._lines = lines
        self._points: list[tuple[float, ...]] = []
        self._bars: dict[int, TaskID] = {}
        self._last = 0.0
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        self._all: TaskID | None = None

    def begun(self, candidate: Candidate) -> None:
        self._start()
        if self._lines:
            self._bars[candidate.number] = self._progress.add_task(
                f"trial {candidate.number}", total=100
            )

    def step(self, candidate: Candidate, step: Step) -> None:
        if candidate.number in self._bars:
            self._progress.update(
                self._bars[candidate.number],
                description=f"trial {candidate.number}, epoch {step.epoch}",
                completed=100 * step.images / step.total_images,
            )

    def ended(self, candidate: Candidate, record: Record) -> None:
        self._remove(candidate)
        found = objective_values(record, self._objectives)
        if record.state is State.FINISHED and found is not None:
            self._points.append(found)
        if self._lines:
            said = self._told(record)
            self._console.print(f"trial {candidate.number}: {said}", markup=False, highlight=False)

    def dropped(self, candidate: Candidate, reason: str) -> None:
        self._remove(candidate)
        self._console.print(
            f"trial {candidate.number}: {reason}; asked again", markup=False, highlight=False
        )

    def counted(self, counts: Mapping[str, int]) -> None:
        now = time.monotonic()
        done = counts.get("finished", 0) + counts.get("pruned", 0)
        if now - self._last < _SECONDS_BETWEEN and done < self._trials:
            return
        self._last = now
        self._start()
        assert self._all is not None
        said = ", ".join(f"{counts[state]} {state}" for state in _SHOWN if counts.get(state))
        self._progress.update(
            self._all, completed=done, description=f"{said}{self._best()}" or "searching"
        )

    def close(self) -> None:
        self._progress.stop()

    def _start(self) -> None:
        self._progress.start()
        if self._all is None:
            self._all = self._progress.add_task("searching", total=self._trials)

    def _remove(self, candidate: Candidate) -> None:
        bar = self._bars.pop(candidate.number, None)
        if bar is not None:
            self._progress.remove_task(bar)

    def _told(self, record: Record) -> str:
        found = objective_values(record, self._objectives)
        shown = ""
        if found is not None:
            shown = ", ".join(map(_shown, self._objectives, found))
        if record.state is State.FINISHED:
            return shown
        return f"{record.state.value}: {record.reason}" + (f" ({shown})" if shown else "")

    def _best(self) -> str:
        """The best value of each objective, and the hypervolume of all finished trials."""
        if not self._points:
            return ""
        columns = zip(*self._points, strict=True)
        best = [
            _shown(name, max(column) if way == "maximize" else min(column))
            for (name, way), column in zip(self._objectives.items(), columns, strict=True)
        ]
        ways = list(self._objectives.values())
        worst = reference_point(self._points, ways)
        ideal = ideal_point(self._points, ways)
        volume = hypervolume(self._points, ways, worst, ideal)
        return f"; best {' | '.join(best)}; hypervolume {volume:.3f}"


def _shown(name: str, value: float) -> str:
    scale, unit = _UNITS[name]
    return f"{value * scale:.4g} {unit}"
