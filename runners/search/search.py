"""The search: proposes architectures, judges them at rungs, keeps what is found."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from lolvit.analytic import analytic_costs
from runners.engines.task_queue import Task
from runners.progress.listener import Step
from runners.progress.search_listener import SearchWatch
from runners.records.record import Costs, Record, State
from runners.search.candidate import Candidate, Evaluator
from runners.search.history import Ledger
from runners.search.limits import Limits
from runners.search.objectives import Objectives
from runners.search.rungs import HalvingRung
from runners.store import HEARTBEAT_S
from runners.store.trials import Trials
from search_space import Space, Values

_LIVES = 3
"""How often a trial may lose its process before it has failed."""
_VAIN_BEFORE_CHANCE = 20
_VAIN = 1_000
_FAILURES_IN_A_ROW = 20


@dataclass(frozen=True)
class Goal:
    """When a search ends.

    Args:
        trials: results wanted: architectures that were trained to the end or stopped at a rung.
        deadline: of `time.monotonic`; None for none.
    """

    trials: int
    deadline: float | None = None


class Search:
    """The queue of a search: what engines ask and tell.

    Args:
        space: which architectures exist.
        objectives: names and directions.
        limits: the constraints of the space.
        evaluator: makes records.
        trials: the study.
        rungs: by epoch; empty for a search that stops nothing.
        goal: when to end.
        seed: of all trainings, and of what is drawn by chance where a sampler repeats itself.
        watch: told what happens.
    """

    def __init__(
        self,
        space: Space,
        objectives: Objectives,
        limits: Limits,
        evaluator: Evaluator,
        trials: Trials,
        rungs: Mapping[int, HalvingRung],
        goal: Goal,
        seed: int,
        watch: SearchWatch,
    ) -> None:
        self._space, self._limits, self._evaluator = space, limits, evaluator
        self._trials, self._rungs = trials, rungs
        self._ledger = Ledger(objectives, limits, rungs)
        self._goal, self._seed, self._watch = goal, seed, watch
        self._random = np.random.default_rng((seed, trials.count))
        self.stopped_because = ""
        self._running: dict[int, Candidate] = {}
        self._params: dict[int, Mapping[str, Any]] = {}
        self._lost: Counter[str] = Counter()
        self._verdicts: dict[int, str] = {}
        self._vain = self._failures = 0
        self._last_beat = time.monotonic()
        self._remember()

    @property
    def counts(self) -> Mapping[str, int]:
        """Trials that ended, by state; duplicates too."""
        return self._ledger.counts

    def rows(self) -> list[dict[str, Any]]:
        """A flat row for every architecture that was looked at, in the order of their trials."""
        return self._ledger.rows(self._space)

    def look_first(self, values: Values) -> None:
        """Have an architecture evaluated before the sampler proposes, unless it is known."""
        if self._space.architecture(values).hash not in self._ledger:
            self._trials.enqueue(values)

    def _remember(self) -> None:
        """Take in what earlier sessions found, and ask again for what they left unfinished."""
        for trial in self._trials.ended():
            if trial.duplicate_of is not None:
                self._ledger.count_duplicate()
            elif trial.record is not None:
                self._ledger.take_in(trial.number, trial.params, trial.record)
        for left in self._trials.left_running():
            record = left.user_attrs.get("record")
            if record is not None:  # killed between storing and closing
                known = Record.model_validate(record)
                self._close(left.number, known)
                self._ledger.take_in(left.number, left.params, known)
                continue
            self._trials.drop(left.number, "its coordinator ended; asked again")
            if len(left.params) == len(self._space.dimensions):
                self._trials.enqueue(left.params)

    # What engines call.

    def next_task(self) -> Task | None:
        while not self._over():
            asked = self._trials.ask()
            architecture = self._space.architecture(asked.params)
            candidate = Candidate(asked.number, architecture, self._seed)
            self._params[candidate.number] = asked.params
            if self._is_new(candidate):
                self._vain = 0
                self._running[candidate.number] = candidate
                self._watch.begun(candidate)
                work = partial(self._evaluator, candidate)
                files = self._evaluator.files(candidate)
                return Task(candidate.number, work, self._evaluator.immediate, files)
            self._vain += 1
            if self._vain % _VAIN_BEFORE_CHANCE == 0:  # the sampler is going in circles
                self._trials.enqueue(self._space.sample(self._random))
        return None

    def report_step(self, task: Task, step: Step) -> None:
        self._watch.step(self._running[task.key], step)

    def should_continue(self, task: Task, record: Record) -> bool:
        """Whether a trial is worth another epoch."""
        epoch = record.quality.epochs if record.quality is not None else 0
        rung = self._rungs.get(epoch)
        if rung is None:
            return True
        decision = rung.decide(record.architecture_hash, self._ledger.loss_at(record, epoch))
        if not decision.continues:
            self._verdicts[task.key] = decision.reason(epoch)
        return decision.continues

    def complete(self, task: Task, record: Record) -> None:
        candidate = self._running.pop(task.key)
        if record.state is State.PRUNED:
            record = record.model_copy(
                update={"reason": self._verdicts.pop(task.key, record.reason)}
            )
        self._failures = self._failures + 1 if record.state is State.FAILED else 0
        self._end(candidate, record)
        self._evaluator.forget(candidate)

    def report_lost(self, task: Task, reason: str) -> None:
        """Ask again for a trial whose process died, unless it takes every process with it."""
        candidate = self._running[task.key]
        self._lost[candidate.architecture.hash] += 1
        if self._lost[candidate.architecture.hash] < _LIVES:
            del self._running[task.key]
            self._ask_again(candidate, reason)
            self._watch.dropped(candidate, reason)
            return
        provenance = self._evaluator.provenance(candidate)
        self.complete(task, candidate.record(State.FAILED, provenance, reason=reason))

    def heartbeat(self) -> bool:
        if time.monotonic() - self._last_beat > HEARTBEAT_S:
            self._last_beat = time.monotonic()
            self._trials.beat(list(self._running))
        return not self._late()

    def close(self) -> None:
        """Leave nothing running: what is under way is asked for again by the next session."""
        for candidate in list(self._running.values()):
            del self._running[candidate.number]
            self._ask_again(candidate, "interrupted; asked again")

    # How a trial ends.

    def _is_new(self, candidate: Candidate) -> bool:
        """Whether it is worth an evaluation; a trial that is not has ended."""
        known = self._ledger.known(candidate.architecture.hash)
        if known is not None:
            self._trials.close_duplicate(candidate.number, known.number)
        elif candidate.architecture in (each.architecture for each in self._running.values()):
            self._trials.drop(candidate.number, "a trial under way has the same architecture")
        else:
            return self._within_limits(candidate)
        del self._params[candidate.number]
        self._ledger.count_duplicate()
        self._watch.counted(self.counts)
        return False

    def _within_limits(self, candidate: Candidate) -> bool:
        if not any(each.is_analytic for each in self._limits.constraints):
            return True
        found = analytic_costs(candidate.architecture)
        costs = Costs(macs=found.macs, params=found.params, fingerprint={})
        broken = self._limits.broken(costs)
        if not broken:
            return True
        provenance = self._evaluator.provenance(candidate)
        self._end(
            candidate,
            candidate.record(State.INFEASIBLE, provenance, reason=broken, costs=costs),
        )
        return False

    def _end(self, candidate: Candidate, record: Record) -> None:
        params = self._params.pop(candidate.number)
        self._trials.keep(candidate.number, record)
        self._close(candidate.number, record)
        self._ledger.take_in(candidate.number, params, record)
        self._watch.ended(candidate, record)
        self._watch.counted(self.counts)

    def _close(self, number: int, record: Record) -> None:
        self._trials.close(number, *self._ledger.told(record))

    def _ask_again(self, candidate: Candidate, why: str) -> None:
        self._trials.drop(candidate.number, why)
        self._trials.enqueue(self._params.pop(candidate.number))

    # When a search ends.

    def _over(self) -> bool:
        if self._ledger.results + len(self._running) >= self._goal.trials:
            return True
        if self._failures >= _FAILURES_IN_A_ROW:
            self.stopped_because = f"{self._failures} trials failed in a row"
        elif self._vain >= _VAIN:
            self.stopped_because = (
                f"{self._vain} proposals in a row were infeasible or known already"
            )
        elif self._late():
            self.stopped_because = "the time is over"
        return bool(self.stopped_because)

    def _late(self) -> bool:
        deadline = self._goal.deadline
        return deadline is not None and time.monotonic() >= deadline
