"""Child generation of genetic samplers: one step from the parents, and new where possible."""

from __future__ import annotations

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runners.records.errors import UserError
from runners.search import samplers
from runners.search.mutation import NewChildStrategy
from search_space import Space, load

SPACE = load("tiny")


def finished(values, number=0):
    """A complete trial with these parameters."""
    return optuna.trial.create_trial(
        params=values, distributions=samplers.make_distributions(SPACE), values=[0.0, float(number)]
    )


def make_study():
    return optuna.create_study(directions=["maximize", "minimize"])


@given(seed=st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_a_child_changes_one_active_dimension(seed):
    parent = SPACE.sample(np.random.default_rng(seed))
    child = NewChildStrategy(SPACE, 0.0, seed)(
        make_study(), samplers.make_distributions(SPACE), [finished(parent), finished(parent)]
    )
    changed = [name for name in parent if parent[name] != child[name]]
    assert len(changed) == 1 and changed[0] in SPACE.active(parent)
    SPACE.architecture(child)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_crossover_takes_all_but_one_value_from_the_parents(seed):
    random = np.random.default_rng(seed)
    first, second = SPACE.sample(random), SPACE.sample(random)
    child = NewChildStrategy(SPACE, 1.0, seed)(
        make_study(), samplers.make_distributions(SPACE), [finished(first), finished(second)]
    )
    assert sum(child[name] not in (first[name], second[name]) for name in child) <= 1


def test_no_duplicate_is_proposed_while_a_neighbour_is_new():
    parent = SPACE.sample(np.random.default_rng(0))
    study = make_study()
    study.add_trial(finished(parent))
    strategy, seen = NewChildStrategy(SPACE, 0.0, 0), {SPACE.architecture(parent).hash}
    near = {
        SPACE.architecture({**parent, name: value}).hash
        for name in SPACE.active(parent)
        for value in SPACE.structure.dimensions[name].values
    }
    for number in range(len(near) - 1):
        child = strategy(study, samplers.make_distributions(SPACE), [finished(parent)])
        hash_ = SPACE.architecture(child).hash
        assert hash_ not in seen
        seen.add(hash_)
        study.add_trial(finished(child, number))
    assert seen == near


def test_a_queued_trial_counts_as_proposed_once_it_starts():
    study, distributions = make_study(), samplers.make_distributions(SPACE)
    parent = SPACE.sample(np.random.default_rng(1))
    queued = SPACE.sample(np.random.default_rng(2))
    study.enqueue_trial(queued)
    strategy = NewChildStrategy(SPACE, 0.0, 0)
    strategy(study, distributions, [finished(parent)])
    assert strategy._key(queued) not in strategy._proposed
    study.ask(distributions)
    strategy(study, distributions, [finished(parent)])
    assert strategy._key(queued) in strategy._proposed


def test_a_duplicate_is_proposed_when_nothing_is_new():
    space = Space(SPACE.base, SPACE.dimensions[:1])
    distributions = samplers.make_distributions(space)
    study, strategy = make_study(), NewChildStrategy(space, 0.0, 0)
    for values in space.grid():
        study.add_trial(
            optuna.trial.create_trial(params=values, distributions=distributions, values=[0.0, 0.0])
        )
    child = strategy(study, distributions, study.trials)
    space.architecture(child)


@pytest.mark.parametrize("name", ["nsga2", "nsga3"])
def test_a_crossover_that_is_not_a_probability_is_refused(name):
    with pytest.raises(UserError, match="from 0 to 1"):
        samplers.make_sampler(name, {"crossover": 1.5}, 0, SPACE)
