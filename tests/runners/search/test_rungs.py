"""Early stopping by non-dominated rank, against slow and obvious reference implementations."""

from __future__ import annotations

import itertools
from math import ceil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from runners.search.rungs import HalvingRung, rank_trials, rung_epochs

LOSSES = st.integers(1, 4).flatmap(
    lambda m: st.lists(st.tuples(*[st.integers(0, 5)] * m), min_size=1, max_size=25)
)


def dominates(a, b):
    return all(x <= y for x, y in zip(a, b, strict=True)) and a != b


def naive_ranks(losses):
    """Remove one front after the other."""
    left, ranks, rank = set(range(len(losses))), {}, 0
    while left:
        front = {i for i in left if not any(dominates(losses[j], losses[i]) for j in left)}
        ranks |= dict.fromkeys(front, rank)
        left -= front
        rank += 1
    return [ranks[i] for i in range(len(losses))]


@settings(deadline=None)
@given(LOSSES)
def test_trials_are_ordered_by_non_dominated_rank(losses):
    order = rank_trials(np.array(losses, float)).tolist()
    ranks = naive_ranks(losses)
    assert sorted(order) == list(range(len(losses)))
    assert [ranks[i] for i in order] == sorted(ranks)


@settings(deadline=None)
@given(LOSSES, st.integers(2, 4))
def test_a_trial_continues_when_it_is_among_the_best_share(losses, eta):
    rung = HalvingRung(eta)
    for number, loss in enumerate(losses):
        decision = rung.decide(str(number), loss)
        seen = losses[: number + 1]
        ranks = naive_ranks(seen)
        ahead = sum(rank < ranks[number] for rank in ranks)
        assert decision.count == number + 1
        assert ahead < decision.rank
        assert decision.continues == (decision.rank <= max(1, ceil(len(seen) / eta)))
        if ahead >= ceil(len(seen) / eta):
            assert not decision.continues


def test_the_first_continues_and_a_dominated_second_does_not():
    rung = HalvingRung(2)
    assert rung.decide("a", (0.2, 1.0)).continues
    assert not rung.decide("b", (0.3, 2.0)).continues
    assert rung.decide("c", (0.1, 0.5)).continues


def test_a_repeated_trial_replaces_its_losses():
    rung = HalvingRung(2)
    rung.add("a", (1.0, 1.0))
    rung.add("b", (2.0, 2.0))
    assert rung.decide("b", (0.5, 0.5)).count == 2


def test_ends_of_a_front_come_before_its_crowded_middle():
    losses = np.array([(0, 4), (1.9, 2.1), (2, 2), (4, 0)], float)
    assert set(rank_trials(losses)[:2].tolist()) == {0, 3}


def test_among_equals_the_earlier_one_is_ranked_first():
    rung = HalvingRung(2)
    decisions = [rung.decide(str(number), (1.0, 1.0)).continues for number in range(4)]
    assert decisions[0] and sum(decisions) <= 2


@pytest.mark.parametrize(
    ("first", "eta", "epochs", "expected"),
    [(1, 2, 8, (1, 2, 4)), (1, 3, 9, (1, 3)), (2, 2, 5, (2, 4)), (5, 2, 5, ()), (1, 2, 1, ())],
)
def test_rung_epochs(first, eta, epochs, expected):
    assert rung_epochs(first, eta, epochs) == expected


def test_a_decision_among_many_trials():
    rung = HalvingRung(3)
    random = np.random.default_rng(0)
    for number, loss in enumerate(random.random((2000, 2))):
        rung.add(str(number), loss)
    for number in itertools.islice(itertools.count(2000), 20):
        assert rung.decide(str(number), random.random(2)).count == number + 1


@pytest.mark.parametrize(
    ("eta", "count", "reason"),
    [
        (2, 3, "ranked 3rd of 3 at epoch 4; the top half continue"),
        (3, 11, "ranked 11th of 11 at epoch 4; the top third continue"),
        (4, 22, "ranked 22nd of 22 at epoch 4; the top quarter continue"),
        (5, 21, "ranked 21st of 21 at epoch 4; the top 1/5 continue"),
    ],
)
def test_the_reason_of_a_stop_names_rank_and_share(eta, count, reason):
    rung = HalvingRung(eta)
    for number in range(count - 1):
        rung.add(str(number), (float(number),))
    decision = rung.decide("last", (float(count),))
    assert not decision.continues and decision.reason(4) == reason
