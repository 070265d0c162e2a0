"""The queue in Ray Tune's terms: a search algorithm, a scheduler and a callback around one floor.

Tune calls all of them in the thread that called it.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import ray
from ray import cloudpickle
from ray.tune import Callback, Stopper
from ray.tune.experiment import Trial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher

from runners.engines.ray.resources import places
from runners.engines.ray.trial import Report, packed
from runners.engines.task_queue import Task, TaskQueue, run_here
from runners.progress.listener import Step
from runners.records.errors import UserError, named_line
from runners.records.record import Record

_SECONDS_BETWEEN_BEATS = 1.0


class Floor:
    """Tasks under way, by the trial of Tune that does each.

    Args:
        queue: hands them out.
        cpus: per task.
        gpus: per task.
        at_once: how many may be under way; None for as many as there is room for.
        carried: whether what tasks leave to go on from travels through Tune.
    """

    def __init__(
        self, queue: TaskQueue, cpus: float, gpus: float, at_once: int | None, carried: bool
    ) -> None:
        self._queue, self._cpus, self._gpus = queue, cpus, gpus
        self._at_once, self._carried = at_once, carried
        self._tasks: dict[str, Task] = {}
        self._records: dict[str, Record] = {}
        self._deaths: dict[str, str] = {}
        self.actors: dict[str, Any] = {}
        self._places = 1
        self._last_beat = float("-inf")
        self.lost = False
        self.over = False
        self.error: BaseException | None = None
        """Why the run is over, unless the queue wanted it."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Tune pickles all that it was given, to go on after a crash: that is for the study to do.
        return object, ()

    def end_run(self, error: BaseException | None = None) -> None:
        """Have Tune end whatever is under way."""
        self.over, self.error = True, self.error or error

    @contextmanager
    def safe(self) -> Iterator[None]:
        """Let an error of the queue end the run: Tune would keep it to itself, or try again."""
        try:
            yield
        except BaseException as error:
            self.end_run(error)

    def next(self, trial: str) -> dict[str, Any] | str | None:
        """The configuration of a trial, None for not now, `Searcher.FINISHED` for never."""
        while len(self._tasks) < self._places and not self.over:
            task = self._queue.next_task()
            if task is None:
                return None if self._tasks else Searcher.FINISHED
            if not task.immediate:
                self._tasks[trial] = task
                return packed(task, self._carried)
            self._queue.complete(
                task, task.work(_unheard, partial(self._queue.should_continue, task), run_here)
            )
            self._beat_now()
        return Searcher.FINISHED if self.over else None

    def hear(self, trial: str, told: Mapping[str, Any]) -> bool:
        """Take in a report; whether the trial goes on."""
        task, kind = self._tasks[trial], Report(told["kind"])
        self._deaths.pop(trial, None)  # of a process before this one
        if kind is Report.USER_ERROR:
            raise UserError(told["text"])
        if kind is Report.STEP:
            self._queue.report_step(task, Step(*told["step"]))
            return True
        if kind is Report.DEATH:
            self._deaths[trial] = told["text"]
            return False
        record = self._records[trial] = Record.model_validate_json(told["record"])
        return kind is Report.QUESTION and self._queue.should_continue(task, record)

    def give_up(self, trial: str, reason: str) -> None:
        """Note what a process of a trial died of: the last one, unless another speaks."""
        self._deaths[trial] = reason

    def end(self, trial: str) -> None:
        """A trial is over, whatever became of it."""
        task, record = self._tasks.pop(trial), self._records.pop(trial, None)
        self.actors.pop(trial, None)
        if trial in self._deaths:
            self.lost = True
            self._queue.report_lost(task, self._deaths.pop(trial))
        else:
            assert record is not None
            self._queue.complete(task, record)

    def beat(self) -> None:
        """Called many times a second."""
        now = time.monotonic()
        if now - self._last_beat > _SECONDS_BETWEEN_BEATS:
            self._last_beat = now
            self._beat_now()
            self._places = self._at_once or max(1, places(self._cpus, self._gpus))

    def _beat_now(self) -> None:
        if not self._queue.heartbeat():
            self.end_run()


def _unheard(epoch: int, images: int, total_images: int) -> None:
    """Nobody watches what takes no time."""


class Asking(Searcher):
    """Takes what is to be done from the floor."""

    def __init__(self, floor: Floor) -> None:
        super().__init__()
        self._floor = floor

    def suggest(self, trial_id: str) -> Any:
        with self._floor.safe():
            return self._floor.next(trial_id)
        return Searcher.FINISHED

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        with self._floor.safe():
            self._floor.end(trial_id)

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the study holds it all."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing was saved."""


class Judging(FIFOScheduler):
    """Asks the floor after each report whether the trial goes on."""

    def __init__(self, floor: Floor) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._floor = floor

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        with self._floor.safe():
            if not self._floor.hear(trial.trial_id, result):
                return TrialScheduler.STOP
        return TrialScheduler.CONTINUE

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        times = trial.run_metadata.num_failures
        self._floor.give_up(trial.trial_id, f"it died {times} times, the last time of {_of(trial)}")


class Beating(Callback):
    """Lets the queue look up now and then."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def on_step_begin(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        with self._floor.safe():
            self._floor.beat()

    def on_trial_start(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: Any
    ) -> None:
        self._floor.actors[trial.trial_id] = trial.temporary_state.ray_actor


class Ending(Stopper):
    """Ends the run when the floor says so."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        if self._floor.over:
            # Tune is patient with actors that do not listen; a training does not between reports.
            while self._floor.actors:
                with suppress(Exception):
                    ray.kill(self._floor.actors.popitem()[1])
        return self._floor.over


def _of(trial: Trial) -> str:
    """What the process of a trial died of, in one line."""
    with suppress(Exception):
        return named_line(cloudpickle.loads(Path(trial.pickled_error_file).read_bytes()))
    return "an unknown cause"
