"""The arms of a comparison, handed out seed by seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from optuna.trial import Trial

from runners.arms import Arm
from runners.engines.task_queue import OnStep, RunTiming, ShouldContinue, Task
from runners.evaluate import Budget, evaluate, failure
from runners.progress.listener import Step, Watch
from runners.records.record import Costs, Record
from runners.records.unavailable import Unavailable
from runners.store.study import Key, Study


class ArmQueue:
    """Every arm x seed that its study lacks; each record is stored the moment it comes.

    Raises:
        UserError: the study cannot be written.
    """

    def __init__(
        self,
        study: Study,
        arms: Sequence[Arm],
        budget: Budget,
        costs: Mapping[str, Costs | Unavailable],
        watch: Watch,
    ) -> None:
        self._study, self._budget, self._costs, self._watch = study, budget, costs, watch
        self._arms = {arm.name: arm for arm in arms}
        self._trials: dict[Key, Trial] = {}
        self._waiting = study.enqueue()
        watch.begin(self._waiting)

    def next_task(self) -> Task | None:
        if not self._waiting:
            return None
        self._waiting -= 1
        trial, (name, seed) = self._study.ask()
        self._trials[name, seed] = trial
        self._watch.arm(name, seed)
        work = partial(_evaluate, self._arms[name], seed, self._budget, self._costs[name])
        return Task((name, seed), work)

    def report_step(self, task: Task, step: Step) -> None:
        name, seed = task.key
        self._watch.step(name, seed, step)

    def should_continue(self, task: Task, record: Record) -> bool:
        return True

    def complete(self, task: Task, record: Record) -> None:
        self._study.tell(self._trials.pop(task.key), record)
        self._watch.finished(record)

    def report_lost(self, task: Task, reason: str) -> None:
        name, seed = task.key
        self.complete(
            task, failure(self._arms[name], seed, self._budget, self._costs[name], reason)
        )

    def heartbeat(self) -> bool:
        return True


def _evaluate(
    arm: Arm,
    seed: int,
    budget: Budget,
    costs: Costs | Unavailable,
    on_step: OnStep,
    should_continue: ShouldContinue,
    timing: RunTiming,
) -> Record:
    return evaluate(arm, seed, budget, costs, on_step)
