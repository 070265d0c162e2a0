"""Asking faster must not mean asking otherwise."""

from __future__ import annotations

import optuna
import pytest
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.samplers import (
    BruteForceSampler,
    GPSampler,
    GridSampler,
    NSGAIIISampler,
    NSGAIISampler,
    PartialFixedSampler,
    QMCSampler,
    RandomSampler,
    TPESampler,
)
from optuna.trial import TrialState
from sqlalchemy import event

from runners.store import opened
from runners.store.asking import ask

SPACE = {
    "mixer": CategoricalDistribution(["fwa", "none", 3, None]),
    "depth": IntDistribution(2, 8, step=2),
    "width": IntDistribution(8, 64, log=True),
    "rate": FloatDistribution(1e-4, 1.0, log=True),
    "drop": FloatDistribution(0.0, 0.3, step=0.1),
    "only": IntDistribution(7, 7),
}
STEPPED = {name: SPACE[name] for name in ("mixer", "depth", "drop")}
GRID = {"mixer": ["fwa", "none"], "depth": [2, 4, 6], "drop": [0.0, 0.1]}
SAMPLERS = {
    "random": lambda: RandomSampler(seed=3),
    "qmc": lambda: QMCSampler(seed=3),
    "tpe": lambda: TPESampler(seed=3, n_startup_trials=4),
    "tpe-multivariate": lambda: TPESampler(
        seed=3, n_startup_trials=4, multivariate=True, constant_liar=True
    ),
    "tpe-grouped": lambda: TPESampler(seed=3, n_startup_trials=4, multivariate=True, group=True),
    "nsga2": lambda: NSGAIISampler(seed=3, population_size=4),
    "nsga3": lambda: NSGAIIISampler(seed=3, population_size=4),
    "gp": lambda: GPSampler(seed=3, n_startup_trials=8),
    "grid": lambda: GridSampler(GRID, seed=3),
    "brute-force": lambda: BruteForceSampler(seed=3),
    "partial": lambda: PartialFixedSampler({"depth": 4}, TPESampler(seed=3, n_startup_trials=4)),
}
TRIALS = 12
QUEUED = {"mixer": "none", "drop": 0.1}


@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow if n == "gp" else ()) for n in SAMPLERS]
)
def test_every_sampler_proposes_the_same_as_ever(name, tmp_path):
    space = STEPPED if name in ("grid", "brute-force") else SPACE
    ours, asked = history(tmp_path / "ours.db", SAMPLERS[name](), space, fast=True)
    optunas, _ = history(tmp_path / "optunas.db", SAMPLERS[name](), space, fast=False)
    assert ours == optunas
    assert asked == [params for params, *_ in ours]


def history(file, sampler, space, *, fast):
    """All that a study keeps of each trial but times, and what was said of it when asked for."""
    with opened(file, study="s") as storage:
        study = optuna.create_study(
            storage=storage, study_name="s", sampler=sampler, directions=["minimize", "maximize"]
        )
        asked = []
        for number in range(TRIALS):
            if number in (2, 9):  # queued ones come first, whole or in part
                whole = number == 9 or isinstance(sampler, GridSampler)  # which takes no part
                study.enqueue_trial({**QUEUED, "depth": 2} if whole else {"depth": 6})
            if number == 6:  # one that another began and never finished
                study.ask(space)
            trial = ask(study, storage, space) if fast else study.ask(space)
            asked.append(trial.params)
            trial.set_user_attr("n", number)
            values = [trial.params["depth"] * trial.params["drop"], str(trial.params["mixer"])]
            study.tell(trial, [values[0], sum(map(ord, values[1]))])
        kept = [trial for trial in study.trials if trial.state is TrialState.COMPLETE]
        rows = [
            (t.params, t.distributions, t.values, t.number, t.user_attrs, t.system_attrs)
            for t in kept
        ]
        return rows, asked


def test_the_parameters_are_stored_before_the_trial_is_given(tmp_path):
    with opened(tmp_path / "study.db", study="s") as storage:
        study = optuna.create_study(storage=storage, study_name="s", sampler=RandomSampler(seed=0))
        trial = ask(study, storage, SPACE)
        (kept,) = study.trials
        assert kept.params == trial.params and kept.state is TrialState.RUNNING
        assert list(kept.params) == list(SPACE) and kept.distributions == SPACE
        assert trial.suggest_float("later", 0, 1) == study.trials[0].params["later"]
        assert ask(study, storage, {}).params == {}


def test_the_parameters_cost_one_transaction(tmp_path):
    with opened(tmp_path / "study.db", study="s") as storage:
        study = optuna.create_study(storage=storage, study_name="s")
        commits = []
        event.listen(storage.engine, "commit", commits.append)
        ask(study, storage, dict(list(SPACE.items())[:1]))
        few = len(commits)
        ask(study, storage, SPACE)
        assert len(commits) == 2 * few
