"""The study of a run: its trials, and what became of them, on any storage of Optuna.

Everything a run knows is in its study, which survives kill -9 at any moment.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution
from optuna.samplers import BaseSampler
from optuna.storages import RDBStorage
from optuna.trial import FrozenTrial, Trial, TrialState

from runners.records.errors import UserError, first_line
from runners.records.objectives import Direction
from runners.records.record import Record
from runners.store.location import redact
from runners.store.storage import open_storage_readonly, translate_errors

RUN_STUDY = "run"
"""Name of the study of a comparison or a measurement in its run folder."""
_DEPTH = 3
ENDED = (TrialState.COMPLETE, TrialState.FAIL, TrialState.PRUNED)
FRONT_TIMINGS = "front_timings"
"""Attribute of a sweep: timings of its front in the same rounds, by hash of the architecture."""
PLAN, _RECORD, _DUPLICATE_OF, _INTERRUPTED = "plan", "record", "duplicate_of", "interrupted"


class Study:
    """Propose, store and resume trials.

    Args:
        storage: as `open_storage` yields it.
        location: of the storage, for messages.
        name: of the study.
        directions: of the values of a trial.
        distributions: of all dimensions.
        plan: everything that decides the results; a study keeps the plan it was started with.
        resume: whether an existing study may continue.
        may_change: what a resumed run may change, for messages.
        may_lack: keys of the plan that earlier versions did not store.

    Attributes:
        lacks: the keys of `may_lack` that the stored plan has not.

    Raises:
        UserError: the study has another plan, belongs to another program, or may not continue.
    """

    def __init__(
        self,
        storage: RDBStorage,
        location: Path | str,
        name: str,
        *,
        directions: Sequence[Direction],
        distributions: Mapping[str, BaseDistribution],
        plan: Mapping[str, Any],
        resume: bool = True,
        may_change: str = "",
        may_lack: Sequence[str] = (),
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._storage, self._location, self._name = storage, location, name
        self._distributions = dict(distributions)
        self.lacks: list[str] = []
        with translate_errors(location):
            names = [study.study_name for study in storage.get_all_studies()]
            if not resume and name in names:
                raise UserError(
                    f"{redact(location)} already holds a study {name!r}; "
                    "add --resume to continue it, or choose another --name"
                )
            if isinstance(location, Path) and set(names) - {name}:
                raise UserError(
                    f"{location} holds another Optuna study; choose another folder with --out"
                )
            self._study = optuna.create_study(
                storage=storage,
                study_name=name,
                directions=list(directions),
                sampler=optuna.samplers.RandomSampler(seed=0),
                load_if_exists=True,
            )
            self._check_plan(json.loads(json.dumps(plan)), may_change, may_lack)

    def _check_plan(self, plan: dict[str, Any], may_change: str, may_lack: Sequence[str]) -> None:
        stored = self._study.user_attrs.get(PLAN)
        if stored is None and self._study.get_trials(deepcopy=False):
            raise UserError(
                f"{redact(self._location)} holds a study {self._name!r} of another program; "
                "choose another --name or --out"
            )
        if stored is None:
            self._study.set_user_attr(PLAN, plan)
            return
        self.lacks = [key for key in may_lack if key in plan and key not in stored]
        expected = {key: value for key, value in plan.items() if key not in self.lacks}
        if stored != expected:
            names = ", ".join(_differences(stored, expected))
            raise UserError(
                f"the study in {redact(self._location)} was started with a different {names}; "
                "repeat the options it was started with, or start a new run"
                + (f" (a resumed run may change {may_change})" if may_change else "")
            )

    @property
    def count(self) -> int:
        """The number of trials of any state."""
        return len(self.trials())

    def trials(self, *states: TrialState) -> list[FrozenTrial]:
        """Trials in these states, in all without any, by number; not to be changed."""
        with translate_errors(self._location):
            return self._study.get_trials(deepcopy=False, states=states or None)

    def running(self) -> list[FrozenTrial]:
        """Trials in state RUNNING: when a run starts, those of one that was killed."""
        return self.trials(TrialState.RUNNING)

    def attribute(self, key: str) -> Any:
        """An attribute of the study, in JSON types; None without one."""
        return self._study.user_attrs.get(key)

    def set_attribute(self, key: str, value: Any) -> None:
        """Store an attribute of the study, in JSON types."""
        with translate_errors(self._location):
            self._study.set_user_attr(key, value)

    def discard_unused(self) -> None:
        """Delete the study unless a trial has started: it shall not be in the way of the next."""
        states = [state for state in TrialState if state is not TrialState.WAITING]
        if not self.trials(*states):
            with translate_errors(self._location):
                optuna.delete_study(study_name=self._name, storage=self._storage)

    def use_sampler(self, sampler: BaseSampler) -> None:
        """Let this sampler propose from now on."""
        self._study.sampler = sampler

    def ask(self) -> Trial:
        """The next trial: one from the queue, else one that the sampler proposes."""
        with translate_errors(self._location):
            return self._study.ask(self._distributions)

    def enqueue(self, params: Mapping[str, Any]) -> None:
        """Queue a trial with these values; queued trials come before any proposal."""
        with translate_errors(self._location):
            self._study.enqueue_trial(dict(params))

    def store_record(self, number: int, record: Record) -> None:
        """Store a result before its trial ends: from now on it cannot be lost."""
        self._set_attribute(number, _RECORD, record.model_dump(mode="json"))

    def complete(
        self,
        number: int,
        values: Sequence[float],
        constraints: Mapping[str, float] | None = None,
    ) -> None:
        """End a trial with values; they do not count where a constraint is above 0."""
        with translate_errors(self._location):
            for name, excess in (constraints or {}).items():
                self._storage.set_trial_system_attr(
                    self._id(number), f"constraints:{name}", float(excess)
                )
            self._study.tell(number, list(values))

    def fail(self, number: int) -> None:
        """End a trial without values; samplers do not learn from it."""
        with translate_errors(self._location):
            self._study.tell(number, state=TrialState.FAIL)

    def mark_duplicate(self, number: int, of: int) -> None:
        """End a trial whose architecture an earlier one has had.

        The sampler does not learn from it: a population would fill with copies.
        """
        self._set_attribute(number, _DUPLICATE_OF, of)
        self.fail(number)

    def drop(self, number: int, reason: str) -> None:
        """End a trial that came to no result."""
        self._set_attribute(number, _INTERRUPTED, reason)
        self.fail(number)

    def heartbeat(self, numbers: Sequence[int]) -> None:
        """Tell observers of the storage that these trials are running."""
        with translate_errors(self._location):
            for number in numbers:
                self._storage.record_heartbeat(self._id(number))

    def _set_attribute(self, number: int, key: str, value: Any) -> None:
        with translate_errors(self._location):
            self._storage.set_trial_user_attr(self._id(number), key, value)

    def _id(self, number: int) -> int:
        study = self._study._study_id
        return self._storage.get_trial_id_from_study_id_trial_number(study, number)


def record_of(trial: FrozenTrial) -> Record | None:
    """The record of a trial; None for duplicates and interrupted trials."""
    stored = trial.user_attrs.get(_RECORD)
    return None if stored is None else Record.model_validate(stored)


def duplicate_of(trial: FrozenTrial) -> int | None:
    """The number of the first trial with the same architecture; None unless marked."""
    return trial.user_attrs.get(_DUPLICATE_OF)


def arm_and_seed(trial: FrozenTrial | Trial) -> tuple[str, int]:
    """What a trial of a comparison evaluates; queued trials have no parameters yet."""
    params = trial.params
    if not params and isinstance(trial, FrozenTrial):
        params = trial.system_attrs["fixed_params"]
    return str(params["arm"]), int(params["seed"])


def newest_records(trials: Sequence[FrozenTrial], arms: Sequence[str]) -> list[Record]:
    """The newest record of each arm and seed, in the order of the arms, then of the seeds."""
    newest = {arm_and_seed(trial): record for trial in trials if (record := record_of(trial))}
    return [newest[key] for key in sorted(newest, key=lambda key: (arms.index(key[0]), key[1]))]


def read_study(
    location: Path | str, name: str, source: Path
) -> tuple[Sequence[FrozenTrial], Mapping[str, Any]]:
    """The ended trials of a stored study, and its attributes; nothing is changed.

    Args:
        location: of the storage.
        name: of the study.
        source: the file or folder that messages name.

    Raises:
        UserError: there is no such storage, or no such study in it.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with open_storage_readonly(location) as storage, translate_errors(location):
        try:
            study = optuna.load_study(study_name=name, storage=storage)
        except KeyError as error:
            raise UserError(
                f"{source} is not a study of this suite: it holds no study {name!r}"
            ) from error
        return study.get_trials(deepcopy=False, states=ENDED), study.user_attrs


def read_records(file: Path) -> list[Record]:
    """Read the records of a comparison or a measurement, however its run ended.

    Raises:
        UserError: there is no such file, or it is not the study of such a run.
    """
    trials, attributes = read_study(file, RUN_STUDY, file)
    try:
        return newest_records(trials, list(attributes.get(PLAN, {}).get("arms", {})))
    except (KeyError, ValueError) as error:
        raise UserError(f"{file} is not a study of this suite: {first_line(error)}") from error


def _differences(one: Any, other: Any, name: str = "") -> list[str]:
    """Names of what differs, as in "space.dimensions.width"; deeper down it is named as a whole."""
    if one == other:
        return []
    both = isinstance(one, dict) and isinstance(other, dict)
    if not both or name.count(".") + 1 >= _DEPTH:
        return [name]
    names = []
    for key in sorted(one | other):
        names += _differences(one.get(key), other.get(key), f"{name}.{key}" if name else key)
    return names
