"""The study of a search: which trials there are, and what became of each. It is the truth."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, Trial, TrialState

from runners.records.errors import UserError
from runners.records.record import Record
from runners.search.objectives import Objectives
from runners.store import errors, shown
from runners.store.plan import changed

_PLAN, _RECORD, _DUPLICATE_OF, _INTERRUPTED = "plan", "record", "duplicate_of", "interrupted"
_ENDED = (TrialState.COMPLETE, TrialState.FAIL, TrialState.PRUNED)


@dataclass(frozen=True)
class Ended:
    """A trial that is over.

    Args:
        number: its number in the study.
        params: a value for every dimension.
        record: what was found; None for duplicates and interrupted trials.
        duplicate_of: the number of the trial that had this architecture first.
    """

    number: int
    params: Mapping[str, Any]
    record: Record | None
    duplicate_of: int | None


class Trials:
    """Ask, tell and resume; survives kill -9 at any moment.

    Every trial that has ended is COMPLETE for Optuna, failed, stopped and infeasible ones with
    constraints that are broken: that is how its samplers learn from them. What a trial is for us
    stands in its record. FAIL are those that the sampler is not told of: duplicates, and what will
    be asked again.

    Args:
        storage: as `runners.store.opened` gives it.
        place: of the storage, for messages.
        name: of the study.
        objectives: names and directions.
        distributions: of all dimensions.
        plan: everything that decides the results; a study keeps the one that it was begun with.
        resume: whether a study that is there may go on.

    Raises:
        UserError: the study belongs to another plan or another program, or is not to be touched.
    """

    def __init__(
        self,
        storage: RDBStorage,
        place: Path | str,
        name: str,
        *,
        objectives: Objectives,
        distributions: Mapping[str, BaseDistribution],
        plan: Mapping[str, Any],
        resume: bool,
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._storage, self._place, self._name = storage, place, name
        self._distributions = dict(distributions)
        with errors(place):
            if not resume and name in (each.study_name for each in storage.get_all_studies()):
                raise UserError(
                    f"{shown(place)} holds a study {name!r} already; "
                    "add --resume to go on with it, or choose another --name"
                )
            self._study = optuna.create_study(
                storage=storage,
                study_name=name,
                directions=list(objectives.values()),
                sampler=optuna.samplers.RandomSampler(),
                load_if_exists=True,
            )
            self._adopt(json.loads(json.dumps(plan)))

    def _adopt(self, plan: dict[str, Any]) -> None:
        known = self._study.user_attrs.get(_PLAN)
        if known is None and self._study.get_trials(deepcopy=False):
            raise UserError(
                f"{shown(self._place)} holds another study {self._name!r}; choose another --name"
            )
        if known is None:
            self._study.set_user_attr(_PLAN, plan)
        elif known != plan:
            raise UserError(
                f"study {self._name!r} in {shown(self._place)} was begun with another "
                f"{', '.join(changed(known, plan))}; go back to it, or begin a new one"
            )

    def use(self, sampler: BaseSampler) -> None:
        """Let this sampler propose from now on."""
        self._study.sampler = sampler

    def ended(self) -> Iterator[Ended]:
        """All trials that are over, in the order of their numbers."""
        with errors(self._place):
            trials = self._study.get_trials(deepcopy=False, states=_ENDED)
        for trial in trials:
            record = trial.user_attrs.get(_RECORD)
            yield Ended(
                trial.number,
                trial.params,
                None if record is None else Record.model_validate(record),
                trial.user_attrs.get(_DUPLICATE_OF),
            )

    def left_running(self) -> list[FrozenTrial]:
        """Trials of a coordinator that is no more."""
        with errors(self._place):
            return self._study.get_trials(deepcopy=False, states=(TrialState.RUNNING,))

    def ask(self) -> Trial:
        """The next trial: one that was queued, else one that the sampler proposes."""
        with errors(self._place):
            return self._study.ask(self._distributions)

    def enqueue(self, params: Mapping[str, Any]) -> None:
        """Let a trial with these values be asked before any other."""
        with errors(self._place):
            self._study.enqueue_trial(dict(params))

    @property
    def count(self) -> int:
        """How many trials there are, of any kind."""
        with errors(self._place):
            return len(self._study.get_trials(deepcopy=False))

    def keep(self, number: int, record: Record) -> None:
        """Store what was found, before the trial is closed: from now on it is not lost."""
        with errors(self._place):
            self._storage.set_trial_user_attr(
                self._id(number), _RECORD, record.model_dump(mode="json")
            )

    def close(self, number: int, values: Sequence[float], constraints: Mapping[str, float]) -> None:
        """End a trial; a constraint above 0 is broken, and then the values do not count."""
        with errors(self._place):
            for name, excess in constraints.items():
                self._storage.set_trial_system_attr(
                    self._id(number), f"constraints:{name}", float(excess)
                )
            self._study.tell(number, list(values))

    def close_duplicate(self, number: int, of: int) -> None:
        """End a trial whose architecture another one has had.

        The sampler is not told again: a population would fill with copies of one architecture.
        """
        with errors(self._place):
            self._storage.set_trial_user_attr(self._id(number), _DUPLICATE_OF, of)
            self._study.tell(number, state=TrialState.FAIL)

    def drop(self, number: int, why: str) -> None:
        """End a trial of which nothing came."""
        with errors(self._place):
            self._storage.set_trial_user_attr(self._id(number), _INTERRUPTED, why)
            self._study.tell(number, state=TrialState.FAIL)

    def beat(self, numbers: Sequence[int]) -> None:
        """Tell whoever watches the storage that these trials are alive."""
        with errors(self._place):
            for number in numbers:
                self._storage.record_heartbeat(self._id(number))

    def _id(self, number: int) -> int:
        study = self._study._study_id
        return self._storage.get_trial_id_from_study_id_trial_number(study, number)
