"""The study is the truth: every arm x seed is a trial in one Optuna storage."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.exceptions import StorageInternalError
from optuna.trial import FrozenTrial, Trial, TrialState
from sqlalchemy.exc import SQLAlchemyError

from runners.records.errors import UserError
from runners.records.record import Costs, Record, State
from runners.records.unavailable import Unavailable

Key = tuple[str, int]
"""An arm's name and a seed."""

_NAME = "run"
_MAX_SEED = 2**31 - 1


class Study:
    """Ask, tell and resume for a fixed set of arms; survives kill -9 at any moment.

    Args:
        file: the SQLite file; made when it does not exist.
        plan: everything that decides the results. A study keeps the plan it was begun with.
        arms: names of the arms.
        seeds: how many seeds, counted from 0; the only part of a study that may grow.
        trained: whether accuracy is measured, or costs alone.

    Raises:
        UserError: the file is no study, belongs to another plan, or cannot be written.
    """

    def __init__(
        self, file: Path, plan: Mapping[str, Any], arms: list[str], seeds: int, *, trained: bool
    ) -> None:
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        self._file = file
        self._arms, self._seeds, self._trained = arms, seeds, trained
        self._distributions: dict[str, BaseDistribution] = {
            "arm": CategoricalDistribution(arms),
            "seed": IntDistribution(0, _MAX_SEED),
        }
        with self._storage_errors():
            storage = optuna.storages.RDBStorage(f"sqlite:///{file}")
            if {study.study_name for study in storage.get_all_studies()} - {_NAME}:
                raise UserError(f"{file} holds another Optuna study; choose another --out")
            self._study = optuna.create_study(
                storage=storage,
                study_name=_NAME,
                directions=["maximize", "minimize"] if trained else ["minimize"],
                sampler=optuna.samplers.RandomSampler(seed=0),
                load_if_exists=True,
            )
            self._adopt(json.loads(json.dumps(plan)))

    def _adopt(self, plan: dict[str, Any]) -> None:
        """Keep the plan of a new study; refuse to go on with another one."""
        known = self._study.user_attrs.get("plan")
        if known is None and self._study.get_trials(deepcopy=False):
            raise UserError(f"{self._file} holds another Optuna study; choose another --out")
        if known is None:
            self._study.set_user_attr("plan", plan)
        elif known != plan:
            changed = sorted(key for key in known | plan if known.get(key) != plan.get(key))
            raise UserError(
                f"{self._file} was begun with another {', '.join(changed)}; "
                "repeat the options it was begun with, or choose another --out"
            )

    @property
    def costs(self) -> dict[str, Costs | Unavailable]:
        """Costs by arm, or why there are none, from the one interleaved session; empty before."""
        stored = self._study.user_attrs.get("costs", {})
        return {
            name: Unavailable(cost) if isinstance(cost, str) else Costs.model_validate(cost)
            for name, cost in stored.items()
        }

    def keep_costs(self, costs: Mapping[str, Costs | Unavailable]) -> None:
        """Store the costs of all arms at once: they stay paired, whatever is resumed later."""
        with self._storage_errors():
            self._study.set_user_attr(
                "costs",
                {
                    n: cost.reason if isinstance(cost, Unavailable) else cost.model_dump()
                    for n, cost in costs.items()
                },
            )

    def enqueue(self) -> int:
        """Queue each arm x seed that is neither finished nor queued; gives how many wait.

        Trials that a killed process left running are closed first: as finished where their record
        was stored already, else as failed. Failed ones are tried again.
        """
        with self._storage_errors():
            for trial in self._trials(TrialState.RUNNING):
                self._close_orphan(trial)
            done = {_key(trial) for trial in self._trials(TrialState.COMPLETE)}
            waiting = {_queued_key(trial) for trial in self._trials(TrialState.WAITING)}
            for seed in range(self._seeds):
                for arm in self._arms:
                    if (arm, seed) not in done | waiting:
                        self._study.enqueue_trial({"arm": arm, "seed": seed})
            return len(self._trials(TrialState.WAITING))

    def ask(self) -> tuple[Trial, Key]:
        """The next queued trial; call it as often as `enqueue` said."""
        with self._storage_errors():
            trial = self._study.ask(self._distributions)
            return trial, _key(trial)

    def tell(self, trial: Trial, record: Record) -> None:
        """Store the record of a trial and close it."""
        with self._storage_errors():
            trial.set_user_attr("record", record.model_dump(mode="json"))
            self._close(trial.number, record)

    def records(self) -> list[Record]:
        """The newest record of each arm x seed, seeds within arms, in the order of the arms."""
        return _newest(self._trials(TrialState.COMPLETE, TrialState.FAIL), self._arms)

    def _close(self, number: int, record: Record) -> None:
        if record.state is not State.FINISHED or record.costs is None:
            self._study.tell(number, state=TrialState.FAIL)
            return
        accuracy = record.quality.test_accuracy if self._trained and record.quality else None
        values = (accuracy, record.costs.latency_ms_median)
        self._study.tell(number, [value for value in values if value is not None])

    def _close_orphan(self, trial: FrozenTrial) -> None:
        if "record" in trial.user_attrs:
            self._close(trial.number, Record.model_validate(trial.user_attrs["record"]))
        else:
            self._study.tell(trial.number, state=TrialState.FAIL)

    def _trials(self, *states: TrialState) -> list[FrozenTrial]:
        return self._study.get_trials(deepcopy=False, states=states)

    @contextlib.contextmanager
    def _storage_errors(self) -> Iterator[None]:
        try:
            yield
        except (SQLAlchemyError, StorageInternalError) as error:
            raise UserError(
                f"cannot use {self._file}: {_first_line(error)}; finished arms in it are kept"
            ) from error


def stored_records(file: Path) -> list[Record]:
    """The records of a study, however its run ended; raises UserError where there is none."""
    if not file.is_file():
        raise UserError(f"no study in {file.parent}: {file.name} is missing")
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.load_study(study_name=_NAME, storage=f"sqlite:///{file}")
    except (SQLAlchemyError, StorageInternalError, KeyError, RuntimeError) as error:
        raise UserError(f"{file} is no study of this suite: {_first_line(error)}") from error
    trials = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.FAIL))
    return _newest(trials, list(study.user_attrs.get("plan", {}).get("arms", {})))


def _newest(trials: list[FrozenTrial], arms: list[str]) -> list[Record]:
    newest: dict[Key, Record] = {}
    for trial in trials:
        if "record" in trial.user_attrs:
            newest[_key(trial)] = Record.model_validate(trial.user_attrs["record"])
    return [newest[key] for key in sorted(newest, key=lambda key: (arms.index(key[0]), key[1]))]


def _first_line(error: BaseException) -> str:
    return str(error.__cause__ or error).splitlines()[0]


def _key(trial: FrozenTrial | Trial) -> Key:
    return str(trial.params["arm"]), int(trial.params["seed"])


def _queued_key(trial: FrozenTrial) -> Key:
    fixed = trial.system_attrs["fixed_params"]
    return str(fixed["arm"]), int(fixed["seed"])
