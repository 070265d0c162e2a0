"""The task queue of a comparison or a measurement: every arm with every seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from optuna.distributions import CategoricalDistribution, IntDistribution
from optuna.storages import RDBStorage
from optuna.trial import TrialState

from runners.engines.task_queue import Task
from runners.evaluate import EvaluationSpec, Evaluator, evaluate, make_record, run_here
from runners.progress.listener import Listener, Step
from runners.records.record import Costs, Record, State
from runners.records.unavailable import Unavailable
from runners.store.study import RUN_STUDY, Study, arm_and_seed, record_of

_MAX_SEED = 2**31 - 1


def open_arm_study(
    storage: RDBStorage,
    location: Path,
    plan: Mapping[str, Any],
    arms: Sequence[str],
    *,
    trained: bool,
    may_lack: Sequence[str] = (),
) -> Study:
    """The study of a run folder whose trials are arms and seeds.

    `may_lack` names keys of the plan that earlier versions did not store.

    Raises:
        UserError: the study has another plan, or belongs to another program.
    """
    return Study(
        storage,
        location,
        RUN_STUDY,
        directions=["maximize", "minimize"] if trained else ["minimize"],
        distributions={
            "arm": CategoricalDistribution(list(arms)),
            "seed": IntDistribution(0, _MAX_SEED),
        },
        plan=plan,
        may_change="--seeds, --quiet and --json only",
        may_lack=may_lack,
    )


def stored_costs(study: Study) -> dict[str, Costs | Unavailable]:
    """Costs by arm from the one interleaved session of a run; empty before it."""
    return {
        name: Unavailable(costs) if isinstance(costs, str) else Costs.model_validate(costs)
        for name, costs in (study.attribute("costs") or {}).items()
    }


def store_costs(study: Study, costs: Mapping[str, Costs | Unavailable]) -> None:
    """Store the costs of all arms at once: they stay paired, whatever is resumed later."""
    stored = {
        name: cost.reason if isinstance(cost, Unavailable) else cost.model_dump()
        for name, cost in costs.items()
    }
    study.set_attribute("costs", stored)


class ArmQueue:
    """Every arm with every seed that the study lacks; each record is stored when it arrives.

    Trials that a killed process left running are ended first: as finished where their record was
    stored, else as failed. Failed ones are tried again. The number of seeds, which are counted
    from 0, is the only part of a study that may grow.

    Raises:
        UserError: the study cannot be written.
    """

    def __init__(
        self,
        study: Study,
        arms: Sequence[EvaluationSpec],
        evaluators: Mapping[str, Evaluator],
        seeds: int,
        listener: Listener,
    ) -> None:
        self._study, self._evaluators, self._listener = study, evaluators, listener
        self._arms = {arm.name: arm for arm in arms}
        self._trials: dict[tuple[str, int], int] = {}
        for trial in study.running():
            record = record_of(trial)
            if record is None:
                study.fail(trial.number)
            else:
                self._end_trial(trial.number, record)
        done = {arm_and_seed(trial) for trial in study.trials(TrialState.COMPLETE)}
        queued = {arm_and_seed(trial) for trial in study.trials(TrialState.WAITING)}
        for seed in range(seeds):
            for name in self._arms:
                if (name, seed) not in done | queued:
                    study.enqueue({"arm": name, "seed": seed})
        self._remaining = len(study.trials(TrialState.WAITING))
        listener.on_total(self._remaining)

    def next_task(self) -> Task | None:
        if not self._remaining:
            return None
        self._remaining -= 1
        trial = self._study.ask()
        name, seed = arm_and_seed(trial)
        self._trials[name, seed] = trial.number
        self._listener.on_start(name, seed)
        evaluator = self._evaluators[name]
        work = partial(evaluate, self._spec(name, seed), evaluator)
        return Task((name, seed), work, evaluator.immediate)

    def report_step(self, task: Task, step: Step) -> None:
        name, seed = task.key
        self._listener.on_step(name, seed, step)

    def should_continue(self, task: Task, record: Record) -> bool:
        return True

    def complete(self, task: Task, record: Record) -> None:
        number = self._trials.pop(task.key)
        self._study.store_record(number, record)
        self._end_trial(number, record)
        self._listener.on_end(record)

    def report_lost(self, task: Task, reason: str, *, retry: bool = True) -> None:
        """A task without a result is the arm's failure, tried again on resume; costs are kept."""
        spec = self._spec(*task.key)
        evaluator = self._evaluators[spec.name]
        costs = evaluator.measure(spec, run_here)
        record = make_record(
            spec,
            evaluator.provenance(spec),
            State.FAILED,
            reason=reason,
            costs=costs if isinstance(costs, Costs) else None,
        )
        self.complete(task, record)

    def heartbeat(self) -> bool:
        return True

    def _spec(self, name: str, seed: int) -> EvaluationSpec:
        return replace(self._arms[name], seed=seed)

    def _end_trial(self, number: int, record: Record) -> None:
        if record.state is not State.FINISHED or record.costs is None:
            self._study.fail(number)
            return
        accuracy = record.quality.test_accuracy if record.quality is not None else None
        values = (accuracy, record.costs.latency_ms_median)
        self._study.complete(number, [value for value in values if value is not None])
