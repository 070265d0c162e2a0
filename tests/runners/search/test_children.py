"""Children of genetic samplers: one step from their parents, and new while anything near is."""

from __future__ import annotations

import numpy as np
import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runners.records.errors import UserError
from runners.search import samplers
from runners.search.mutation import Children
from search_space import Space, load

SPACE = load("tiny")


def finished(values, number=0):
    """A trial that ended with these values."""
    return optuna.trial.create_trial(
        params=values, distributions=samplers.distributions(SPACE), values=[0.0, float(number)]
    )


def study():
    return optuna.create_study(directions=["maximize", "minimize"])


@given(seed=st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_one_dimension_that_matters_is_changed(seed):
    parent = SPACE.sample(np.random.default_rng(seed))
    child = Children(SPACE, 0.0, seed)(
        study(), samplers.distributions(SPACE), [finished(parent), finished(parent)]
    )
    changed = [name for name in parent if parent[name] != child[name]]
    assert len(changed) == 1 and changed[0] in SPACE.active(parent)
    SPACE.architecture(child)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=40, deadline=None)
def test_of_two_parents_all_but_one_value_are_theirs(seed):
    random = np.random.default_rng(seed)
    one, other = SPACE.sample(random), SPACE.sample(random)
    child = Children(SPACE, 1.0, seed)(
        study(), samplers.distributions(SPACE), [finished(one), finished(other)]
    )
    assert sum(child[name] not in (one[name], other[name]) for name in child) <= 1


def test_nothing_is_proposed_twice_while_there_is_something_new():
    parent = SPACE.sample(np.random.default_rng(0))
    those = study()
    those.add_trial(finished(parent))
    children, seen = Children(SPACE, 0.0, 0), {SPACE.architecture(parent).hash}
    near = {
        SPACE.architecture({**parent, name: value}).hash
        for name in SPACE.active(parent)
        for value in SPACE.structure.dimensions[name].values
    }
    for number in range(len(near) - 1):
        child = children(those, samplers.distributions(SPACE), [finished(parent)])
        found = SPACE.architecture(child).hash
        assert found not in seen
        seen.add(found)
        those.add_trial(finished(child, number))
    assert seen == near


def test_a_queued_trial_is_known_from_its_turn_on():
    those, asked = study(), samplers.distributions(SPACE)
    parent = SPACE.sample(np.random.default_rng(1))
    queued = SPACE.sample(np.random.default_rng(2))
    those.enqueue_trial(queued)
    children = Children(SPACE, 0.0, 0)
    children(those, asked, [finished(parent)])
    assert children._key(queued) not in children._known
    those.ask(asked)
    children(those, asked, [finished(parent)])
    assert children._key(queued) in children._known


def test_where_all_is_known_a_child_is_still_one():
    one = Space(SPACE.base, SPACE.dimensions[:1])
    asked = samplers.distributions(one)
    those, children = study(), Children(one, 0.0, 0)
    for values in one.grid():
        those.add_trial(
            optuna.trial.create_trial(params=values, distributions=asked, values=[0.0, 0.0])
        )
    child = children(those, asked, those.trials)
    one.architecture(child)


@pytest.mark.parametrize("name", ["nsga2", "nsga3"])
def test_a_crossover_that_is_no_probability(name):
    with pytest.raises(UserError, match="between 0 and 1"):
        samplers.sampler(name, {"crossover": 1.5}, 0, SPACE)
