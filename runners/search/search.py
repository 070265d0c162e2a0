"""The search: propose architectures, decide at rungs which continue, and store the records."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from lolvit import LolvitConfig
from lolvit.analytic import analytic_costs
from runners.engines.task_queue import Task
from runners.evaluate import Evaluator, evaluate, make_record
from runners.progress.listener import Listener, Step
from runners.records.objectives import Objectives
from runners.records.record import Costs, Record, State
from runners.search.first_failures import FirstFailures
from runners.search.goal import Goal
from runners.search.history import Candidate, History
from runners.search.limits import Limits
from runners.search.rungs import HalvingRung
from runners.search.unseen import UnseenArchitectures
from runners.store import HEARTBEAT_S
from runners.store.study import ENDED, Study, duplicate_of, record_of
from search_space import Space, Values

_MAX_ATTEMPTS = 3
"""How often the process of a trial may die before the trial has failed."""
_REFERENCE_MS = "latency_reference_ms"
"""Attribute of a study: the latency of its reference in the first trial that timed it."""
_VAIN_BEFORE_RANDOM = 20
_MAX_VAIN_PROPOSALS = 1_000
_MAX_FAILURES_IN_A_ROW = 20


class Search:
    """The task queue of a search; without rungs, which are by epoch, no trial is stopped early.

    The seed is that of all trainings, and of random proposals where a sampler repeats itself.
    `stop_reason` is why the search ended before its goal, and "" if it did not.
    """

    def __init__(
        self,
        space: Space,
        objectives: Objectives,
        limits: Limits,
        evaluator: Evaluator,
        study: Study,
        rungs: Mapping[int, HalvingRung],
        goal: Goal,
        seed: int,
        listener: Listener,
    ) -> None:
        self._space, self._limits, self._evaluator = space, limits, evaluator
        self._study, self._rungs = study, rungs
        self._history = History(objectives, limits, rungs)
        self._goal, self._seed, self._listener = goal, seed, listener
        self._random = np.random.default_rng((seed, study.count))
        self.stop_reason = ""
        self._running: dict[int, Candidate] = {}
        self._attempts: Counter[str] = Counter()
        self._prune_reasons: dict[int, str] = {}
        self._vain_proposals = self._failures_in_a_row = 0
        self._unseen = UnseenArchitectures(space, self._history)
        self._first_failures = FirstFailures()
        self._last_heartbeat_s = time.monotonic()
        self._load_history()

    @property
    def study(self) -> Study:
        """Where its trials are stored."""
        return self._study

    @property
    def counts(self) -> Mapping[str, int]:
        """Ended trials by state; duplicates too."""
        return self._history.counts

    def rows(self) -> list[dict[str, Any]]:
        """A flat row for every evaluated architecture, in the order of the trials."""
        return self._history.rows(self._space)

    def enqueue(self, values: Values) -> None:
        """Evaluate an architecture before the sampler proposes, unless it has been evaluated."""
        if self._space.architecture(values).hash not in self._history:
            self._study.enqueue(values)

    def _load_history(self) -> None:
        """Read what earlier sessions evaluated, and queue what they left unfinished."""
        self._history.reference_ms = self._study.attribute(_REFERENCE_MS)
        for trial in self._study.trials(*ENDED):
            if duplicate_of(trial) is not None:
                self._history.count_duplicate()
            elif record := record_of(trial):
                self._history.add(trial.number, trial.params, record)
        for orphan in self._study.running():
            if record := record_of(orphan):  # killed between storing it and ending the trial
                self._end_trial(orphan.number, record)
                self._history.add(orphan.number, orphan.params, record)
                continue
            self._study.drop(orphan.number, "the coordinator ended; the trial is retried")
            if len(orphan.params) == len(self._space.dimensions):
                self._study.enqueue(orphan.params)

    # Called by engines.

    def next_task(self) -> Task | None:
        while not self._is_over():
            trial = self._study.ask()
            architecture = self._space.architecture(trial.params)
            candidate = Candidate(trial.number, architecture, self._seed, trial.params)
            if self._is_worth_evaluating(candidate):
                self._vain_proposals = 0
                self._running[candidate.number] = candidate
                spec = candidate.spec
                self._listener.on_start(spec.name, spec.seed)
                return Task(
                    candidate.number,
                    partial(evaluate, spec, self._evaluator),
                    self._evaluator.immediate,
                    self._evaluator.files(spec),
                )
            self._vain_proposals += 1
            # A sampler that repeats itself would do so for ever.
            if self._unseen.is_finite or self._vain_proposals % _VAIN_BEFORE_RANDOM == 0:
                pending = (architecture.hash for architecture in self._pending())
                values = self._unseen.draw(self._random, pending)
                if values is None:  # all that are left are running
                    break
                self._study.enqueue(values)
        return None

    def report_step(self, task: Task, step: Step) -> None:
        spec = self._running[task.key].spec
        self._listener.on_step(spec.name, spec.seed, step)

    def should_continue(self, task: Task, record: Record) -> bool:
        epoch = record.quality.epochs if record.quality is not None else 0
        rung = self._rungs.get(epoch)
        if rung is None:
            return True
        decision = rung.decide(record.architecture_hash, self._history.loss_at(record, epoch))
        if not decision.continues:
            self._prune_reasons[task.key] = decision.reason(epoch)
        return decision.continues

    def complete(self, task: Task, record: Record) -> None:
        candidate = self._running.pop(task.key)
        if record.state is State.PRUNED:
            reason = self._prune_reasons.pop(task.key, record.reason)
            record = record.model_copy(update={"reason": reason})
        failed = record.state is State.FAILED
        self._failures_in_a_row = self._failures_in_a_row + 1 if failed else 0
        if failed and not self._history.results and self._first_failures.hold(candidate, record):
            self._stop_if_all_fail()
        else:
            for pair in (*self._first_failures.take(), (candidate, record)):
                self._store(*pair)
        self._evaluator.remove_files(candidate.spec)

    def _stop_if_all_fail(self) -> None:
        """Drop first trials that fail alike: the next session evaluates them again."""
        self.stop_reason = self.stop_reason or self._first_failures.reason
        if self.stop_reason:
            for candidate, record in self._first_failures.take():
                self._retry(candidate, record.reason)

    def report_lost(self, task: Task, reason: str, *, retry: bool = True) -> None:
        """Retry a trial whose process died, unless it has died too often."""
        candidate, spec = self._running[task.key], self._running[task.key].spec
        self._attempts[spec.architecture_hash] += 1
        if retry and self._attempts[spec.architecture_hash] < _MAX_ATTEMPTS:
            del self._running[task.key]
            self._retry(candidate, reason)
            self._listener.on_retry(spec.name, spec.seed, reason)
            return
        self.complete(task, self._record(candidate, State.FAILED, reason))

    def heartbeat(self) -> bool:
        if time.monotonic() - self._last_heartbeat_s > HEARTBEAT_S:
            self._last_heartbeat_s = time.monotonic()
            self._study.heartbeat(list(self._running))
        return not self._goal.is_past_deadline()

    def close(self) -> None:
        """Leave no trial running: the next session retries those that are."""
        for pair in self._first_failures.take():
            self._store(*pair)
        for candidate in list(self._running.values()):
            del self._running[candidate.number]
            self._retry(candidate, "interrupted; the trial is retried")

    # How a trial ends.

    def _is_worth_evaluating(self, candidate: Candidate) -> bool:
        """Whether it is new and within the analytic constraints; ends the trial if not."""
        first = self._history.get(candidate.architecture.hash)
        if first is not None:
            self._study.mark_duplicate(candidate.number, first.number)
        elif candidate.architecture in self._pending():
            self._study.drop(candidate.number, "a running trial has the same architecture")
        else:
            return self._is_within_limits(candidate)
        self._history.count_duplicate()
        self._listener.on_counts(self.counts)
        return False

    def _pending(self) -> list[LolvitConfig]:
        """Architectures that are running, or whose failure is held back."""
        held = (candidate for candidate, _ in self._first_failures.held)
        return [candidate.architecture for candidate in (*self._running.values(), *held)]

    def _is_within_limits(self, candidate: Candidate) -> bool:
        if not any(constraint.is_analytic for constraint in self._limits.constraints):
            return True
        formula = analytic_costs(candidate.architecture)
        costs = Costs(macs=formula.macs, params=formula.params, fingerprint={})
        violation = self._limits.find_violation(costs)
        if not violation:
            return True
        self._store(candidate, self._record(candidate, State.INFEASIBLE, violation, costs))
        return False

    def _record(
        self, candidate: Candidate, state: State, reason: str, costs: Costs | None = None
    ) -> Record:
        spec = candidate.spec
        provenance = self._evaluator.provenance(spec)
        return make_record(spec, provenance, state, reason=reason, costs=costs)

    def _store(self, candidate: Candidate, record: Record) -> None:
        self._study.store_record(candidate.number, record)
        self._end_trial(candidate.number, record)
        is_first = self._history.reference_ms is None
        self._history.add(candidate.number, candidate.params, record)
        if is_first and self._history.reference_ms is not None:
            self._study.set_attribute(_REFERENCE_MS, self._history.reference_ms)
        self._listener.on_end(record)
        self._listener.on_counts(self.counts)

    def _end_trial(self, number: int, record: Record) -> None:
        # COMPLETE in any state, a failure with a violated constraint: samplers learn from that.
        self._study.complete(number, *self._history.values_for_sampler(record))

    def _retry(self, candidate: Candidate, reason: str) -> None:
        self._study.drop(candidate.number, reason)
        self._study.enqueue(candidate.params)

    # When a search ends.

    def _is_over(self) -> bool:
        if self.stop_reason or self._history.results + len(self._running) >= self._goal.trials:
            return True
        if self._failures_in_a_row >= _MAX_FAILURES_IN_A_ROW:
            self.stop_reason = f"{self._failures_in_a_row} trials in a row failed"
        elif self._unseen.all_are_seen():
            self.stop_reason = "all architectures of the space have been evaluated"
        elif self._vain_proposals >= _MAX_VAIN_PROPOSALS:
            self.stop_reason = (
                f"{self._vain_proposals} proposals in a row were infeasible or evaluated before"
            )
        elif self._goal.is_past_deadline():
            self.stop_reason = "the time budget is exhausted"
        return bool(self.stop_reason)
