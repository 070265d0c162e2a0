"""Stopping by non-dominated rank, against slow and obvious twins."""

from __future__ import annotations

import itertools
from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runners.search.rungs import Rung, order, rung_epochs

LOSSES = st.integers(1, 4).flatmap(
    lambda m: st.lists(st.tuples(*[st.integers(0, 5)] * m), min_size=1, max_size=25)
)


def dominates(one, other):
    return all(a <= b for a, b in zip(one, other, strict=True)) and one != other


def naive_ranks(losses):
    """Peel one front after the other."""
    left, ranks, rank = set(range(len(losses))), {}, 0
    while left:
        front = {i for i in left if not any(dominates(losses[j], losses[i]) for j in left)}
        ranks |= dict.fromkeys(front, rank)
        left -= front
        rank += 1
    return [ranks[i] for i in range(len(losses))]


@settings(deadline=None)
@given(LOSSES)
def test_the_order_follows_the_ranks(losses):
    placed = order(np.array(losses, float)).tolist()
    ranks = naive_ranks(losses)
    assert sorted(placed) == list(range(len(losses)))
    assert [ranks[i] for i in placed] == sorted(ranks)


@settings(deadline=None)
@given(LOSSES, st.integers(2, 4))
def test_a_trial_goes_on_when_it_is_among_the_best_share(losses, eta):
    rung = Rung(eta)
    for number, loss in enumerate(losses):
        verdict = rung.judge(str(number), loss)
        seen = losses[: number + 1]
        ranks = naive_ranks(seen)
        ahead = sum(rank < ranks[number] for rank in ranks)
        assert verdict.rivals == number + 1
        assert ahead <= verdict.place
        assert verdict.goes_on == (verdict.place < max(1, ceil(len(seen) / eta)))
        if ahead >= ceil(len(seen) / eta):
            assert not verdict.goes_on


def test_the_first_goes_on_and_a_dominated_second_does_not():
    rung = Rung(2)
    assert rung.judge("a", (0.2, 1.0)).goes_on
    assert not rung.judge("b", (0.3, 2.0)).goes_on
    assert rung.judge("c", (0.1, 0.5)).goes_on


def test_a_trial_that_comes_again_replaces_itself():
    rung = Rung(2)
    rung.enter("a", (1.0, 1.0))
    rung.enter("b", (2.0, 2.0))
    assert rung.judge("b", (0.5, 0.5)).rivals == 2


def test_ends_of_a_front_come_before_its_crowded_middle():
    losses = np.array([(0, 4), (1.9, 2.1), (2, 2), (4, 0)], float)
    assert set(order(losses)[:2].tolist()) == {0, 3}


def test_of_equals_the_earlier_one_stays():
    rung = Rung(2)
    verdicts = [rung.judge(str(number), (1.0, 1.0)).goes_on for number in range(4)]
    assert verdicts[0] and sum(verdicts) <= 2


@pytest.mark.parametrize(
    ("first", "eta", "epochs", "expected"),
    [(1, 2, 8, (1, 2, 4)), (1, 3, 9, (1, 3)), (2, 2, 5, (2, 4)), (5, 2, 5, ()), (1, 2, 1, ())],
)
def test_epochs_of_rungs(first, eta, epochs, expected):
    assert rung_epochs(first, eta, epochs) == expected


def test_many_rivals_stay_fast():
    rung = Rung(3)
    random = np.random.default_rng(0)
    for number, loss in enumerate(random.random((2000, 2))):
        rung.enter(str(number), loss)
    for number in itertools.islice(itertools.count(2000), 20):
        assert rung.judge(str(number), random.random(2)).rivals == number + 1
