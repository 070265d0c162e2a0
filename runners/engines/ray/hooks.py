"""Connects a task queue to Ray Tune: a search algorithm, a scheduler, a callback and a stopper.

All four share one `TrialCoordinator`. Tune calls them in the thread that called `Tuner.fit`.
"""

from __future__ import annotations

import re
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

from runners.engines.ray.options import RayOptions
from runners.engines.ray.resources import count_slots
from runners.engines.ray.trial import Report, pack_task
from runners.engines.task_queue import Task, TaskQueue
from runners.evaluate import ignore_step, run_here
from runners.processes.patience import no_progress
from runners.progress.listener import Step
from runners.records.errors import UserError, named_line
from runners.records.record import Record

_SECONDS_BETWEEN_HEARTBEATS = 1.0
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_MAX_CAUSE = 200
"""Characters: Ray lists every imaginable cause after the actual one."""


class TrialCoordinator:
    """Runs a queue's tasks as trials of Tune; `carries_files` as in `pack_task`."""

    def __init__(self, queue: TaskQueue, options: RayOptions, *, carries_files: bool) -> None:
        self._queue, self._options, self._carries_files = queue, options, carries_files
        self._tasks: dict[str, Task] = {}
        self._records: dict[str, Record] = {}
        self._losses: dict[str, str] = {}
        self._last_report_s: dict[str, float] = {}
        self._silent: set[str] = set()
        self.actors: dict[str, Any] = {}
        self._slots = 1
        self._last_heartbeat = float("-inf")
        self.has_losses = False
        self.is_over = False
        self.error: BaseException | None = None
        """Why the run is over, unless the queue ended it."""

    def __reduce__(self) -> tuple[Any, ...]:
        # Tune pickles its arguments to resume after a crash; here only the study is resumed.
        return object, ()

    def end_run(self, error: BaseException | None = None) -> None:
        """Have Tune end all running trials."""
        self.is_over, self.error = True, self.error or error

    @contextmanager
    def end_run_on_error(self) -> Iterator[None]:
        """Let an error of the queue end the run: Tune would hide it, or try again."""
        try:
            yield
        except BaseException as error:
            self.end_run(error)

    def next_config(self, trial_id: str) -> dict[str, Any] | str | None:
        """Configuration of a new trial; None for none now, `Searcher.FINISHED` for no more."""
        while len(self._tasks) < self._slots and not self.is_over:
            task = self._queue.next_task()
            if task is None:
                return None if self._tasks else Searcher.FINISHED
            if not task.immediate:
                self._tasks[trial_id] = task
                return pack_task(task, self._carries_files)
            record = task.work(ignore_step, partial(self._queue.should_continue, task), run_here)
            self._queue.complete(task, record)
            self._send_heartbeat()
        return Searcher.FINISHED if self.is_over else None

    def handle_report(self, trial_id: str, result: Mapping[str, Any]) -> bool:
        """Pass a report on to the queue; whether the trial continues."""
        task, kind = self._tasks[trial_id], Report(result["kind"])
        self._last_report_s[trial_id] = time.monotonic()
        self._losses.pop(trial_id, None)  # of a process before this one
        if kind is Report.USER_ERROR:
            raise UserError(result["text"])
        if kind is Report.STEP:
            self._queue.report_step(task, Step(*result["step"]))
            return True
        if kind is Report.ERROR:
            self._losses[trial_id] = result["text"]
            return False
        record = self._records[trial_id] = Record.model_validate_json(result["record"])
        return kind is Report.QUESTION and self._queue.should_continue(task, record)

    def record_loss(self, trial_id: str, reason: str) -> None:
        """Note why the process of a trial died; a report of a later process cancels it."""
        self._losses[trial_id] = reason

    def start_trial(self, trial_id: str, actor: Any) -> None:
        """Note the actor of a trial, which is silent from now on."""
        self.actors[trial_id] = actor
        self._last_report_s[trial_id] = time.monotonic()

    def is_silent(self, trial_id: str) -> bool:
        """Whether a trial that runs has not reported for too long; True once only."""
        if trial_id not in self.actors or trial_id in self._silent:
            return False
        silence_s = time.monotonic() - self._last_report_s[trial_id]
        if silence_s > self._options.patience_s:
            self._silent.add(trial_id)
        return trial_id in self._silent

    def end_trial(self, trial_id: str) -> None:
        """Give the queue the result of a trial, or the reason why there is none."""
        task, record = self._tasks.pop(trial_id), self._records.pop(trial_id, None)
        self.actors.pop(trial_id, None)
        self._last_report_s.pop(trial_id, None)
        loss = self._losses.pop(trial_id, None)
        if trial_id in self._silent:
            self._silent.remove(trial_id)
            self._queue.report_lost(task, no_progress(self._options.patience_s), retry=False)
        elif loss is not None:
            self.has_losses = True
            self._queue.report_lost(task, loss)
        else:
            assert record is not None
            self._queue.complete(task, record)

    def heartbeat(self) -> None:
        """Send the queue a heartbeat every second; Tune calls this many times a second."""
        now = time.monotonic()
        if now - self._last_heartbeat > _SECONDS_BETWEEN_HEARTBEATS:
            self._last_heartbeat = now
            self._send_heartbeat()
            fitting = count_slots(self._options.cpus, self._options.gpus)
            self._slots = self._options.max_concurrent or max(1, fitting)

    def _send_heartbeat(self) -> None:
        if not self._queue.heartbeat():
            self.end_run()


class QueueSearcher(Searcher):
    """Takes the configurations of trials from the queue."""

    def __init__(self, coordinator: TrialCoordinator) -> None:
        super().__init__()
        self._coordinator = coordinator

    def suggest(self, trial_id: str) -> Any:
        with self._coordinator.end_run_on_error():
            return self._coordinator.next_config(trial_id)
        return Searcher.FINISHED

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        with self._coordinator.end_run_on_error():
            self._coordinator.end_trial(trial_id)

    def save(self, checkpoint_path: str) -> None:
        """Save nothing: the study holds everything."""

    def restore(self, checkpoint_path: str) -> None:
        """Restore nothing, since nothing is saved."""


class QueueScheduler(FIFOScheduler):
    """Asks the queue after each report whether the trial continues."""

    def __init__(self, coordinator: TrialCoordinator) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._coordinator = coordinator

    def on_trial_result(self, tune_controller: Any, trial: Trial, result: dict[str, Any]) -> str:
        with self._coordinator.end_run_on_error():
            if not self._coordinator.handle_report(trial.trial_id, result):
                return TrialScheduler.STOP
        return TrialScheduler.CONTINUE

    def on_trial_error(self, tune_controller: Any, trial: Trial) -> None:
        count = trial.run_metadata.num_failures
        times = "once" if count == 1 else f"{count} times"
        reason = f"the process died {times}, most recently with {_failure_cause(trial)}"
        self._coordinator.record_loss(trial.trial_id, reason)


class HeartbeatCallback(Callback):
    """Sends heartbeats to the queue, and notes the actor of each trial."""

    def __init__(self, coordinator: TrialCoordinator) -> None:
        self._coordinator = coordinator

    def on_step_begin(self, iteration: int, trials: list[Trial], **info: Any) -> None:
        with self._coordinator.end_run_on_error():
            self._coordinator.heartbeat()
            for trial in trials:
                if self._coordinator.is_silent(trial.trial_id):
                    trial.max_failures = 0  # Tune shall not start it again
                    ray.kill(self._coordinator.actors[trial.trial_id])

    def on_trial_start(
        self, iteration: int, trials: list[Trial], trial: Trial, **info: Any
    ) -> None:
        self._coordinator.start_trial(trial.trial_id, trial.temporary_state.ray_actor)


class EndStopper(Stopper):
    """Ends the run, and kills its actors, when the coordinator says so."""

    def __init__(self, coordinator: TrialCoordinator) -> None:
        self._coordinator = coordinator

    def __call__(self, trial_id: str, result: dict[str, Any]) -> bool:
        return False

    def stop_all(self) -> bool:
        if self._coordinator.is_over:
            # Tune waits for an actor to respond, and a training responds only when it reports.
            while self._coordinator.actors:
                with suppress(Exception):
                    ray.kill(self._coordinator.actors.popitem()[1])
        return self._coordinator.is_over


def _failure_cause(trial: Trial) -> str:
    """Why the process of a trial died, in one line."""
    with suppress(Exception):
        return describe_error(cloudpickle.loads(Path(trial.pickled_error_file).read_bytes()))
    return "an unknown error"


def describe_error(error: BaseException) -> str:
    """The class of an error, the first line of its message, and the cause further down.

    Of an error that a task raised, Ray holds the original, and prints a coloured traceback. Why a
    process died it says ("The actor died because its node has died.", "Worker exit detail: ...")
    below lines that identify the actor.
    """
    original = getattr(error, "cause", None)
    if isinstance(original, BaseException):
        return named_line(original)
    lines = [line.strip() for line in _COLOUR.sub("", str(error)).splitlines() if line.strip()]
    first = f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__
    causes = [line for line in lines[1:] if "exit detail:" in line or " because " in line]
    if not causes:
        return first
    cause = causes[0].rpartition("exit detail:")[2].strip()
    return f"{first} ({cause[:_MAX_CAUSE]})"
