"""Fronts of points that are known with noise only."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.comparison.summary import summarise
from reports.comparison.table import comparison_columns, table_notes
from reports.statistics.fronts import nondominated
from reports.statistics.noisy_fronts import (
    draw_values,
    front_probabilities,
    hypervolume_interval,
    number_of_draws,
)
from reports.sweep.noise import draw_points
from reports.sweep.summary import summarise_sweep
from reports.sweep.table import columns
from tests.reports.rows import row, timed
from tests.reports.sweep.sweep_rows import TWO, trial

WAYS = ("maximize", "minimize")
points = st.lists(
    st.tuples(st.integers(0, 9).map(float), st.integers(0, 9).map(float)), min_size=1, max_size=8
)


@given(points)
def test_without_noise_a_probability_is_membership(values):
    draws = np.broadcast_to(np.array(values), (5, len(values), 2))
    expected = nondominated(values, WAYS).astype(float)
    assert front_probabilities(draws, WAYS).tolist() == expected.tolist()


@given(points, st.integers(0, 9))
def test_probabilities_are_shares_of_draws_that_each_have_a_front(values, seed):
    draws = np.array(values) + np.random.default_rng(seed).normal(0, 1, (20, len(values), 2))
    shares = front_probabilities(draws, WAYS)
    naive = np.mean(
        [
            [
                not any(
                    (other[0] >= own[0] and other[1] <= own[1])
                    and (other[0] > own[0] or other[1] < own[1])
                    for other in draw
                )
                for own in draw
            ]
            for draw in draws
        ],
        axis=0,
    )
    assert shares == pytest.approx(naive) and shares.sum() >= 1


def test_draws_have_the_spread_of_their_intervals():
    draws = draw_values([0.0, 5.0], [-1.96, 5.0], [1.96, 5.0], 50_000, seed=0)
    assert draws[:, 0].std() == pytest.approx(1.0, rel=0.02) and (draws[:, 1] == 5.0).all()
    inside = np.abs(draws[:, 0]) < 1.96
    assert inside.mean() == pytest.approx(0.95, abs=0.01)
    assert (draws == draw_values([0.0, 5.0], [-1.96, 5.0], [1.96, 5.0], 50_000, seed=0)).all()


def test_equal_arms_are_on_the_front_half_of_the_time():
    accuracy = draw_values([0.8, 0.8], [0.78, 0.78], [0.82, 0.82], 4_000, seed=0)
    shares = front_probabilities(np.stack([accuracy, np.ones_like(accuracy)], axis=2), WAYS)
    assert shares == pytest.approx([0.5, 0.5], abs=0.03)


def test_many_points_get_fewer_draws():
    assert [number_of_draws(n) for n in (1, 1_000, 4_000, 10**6)] == [2_000, 2_000, 500, 200]


def test_the_interval_of_a_hypervolume_contains_that_of_the_estimates():
    centre = np.array([[0.9, 2.0], [0.7, 1.0], [0.5, 0.5]])
    draws = centre + np.random.default_rng(0).normal(0, 0.01, (300, 3, 2))
    low, high = hypervolume_interval(draws, WAYS, [0.4, 2.2], [0.95, 0.4])
    exact = hypervolume_interval(centre[None], WAYS, [0.4, 2.2], [0.95, 0.4])[0]
    assert low < exact < high and high - low < 0.2


def test_an_arm_within_the_noise_is_on_the_front_with_some_probability():
    rng = np.random.default_rng(0)
    rows = [
        timed("cheap", 2.0, rng=rng, accuracy=0.70, macs=10_000_000),
        timed("good", 3.0, rng=rng, accuracy=0.80, macs=20_000_000),
        timed("similar", 3.5, rng=rng, accuracy=0.795, macs=30_000_000),
        timed("bad", 9.0, rng=rng, accuracy=0.50, macs=90_000_000),
    ]
    arms = summarise(rows).arms
    latency = [arm.latency_front_probability for arm in arms]
    assert latency[0] == 1.0 and latency[1] > 0.6 and 0.1 < latency[2] < 0.6 and latency[3] == 0
    assert [arm.on_latency_front for arm in arms] == [True, True, False, False]
    front = next(column for column in comparison_columns(summarise(rows)) if column.key == "front")
    assert front.cells[0] == "L 100% M 100%" and front.cells[3] == ""
    assert (
        front.cells[2] == f"L {100 * latency[2]:.0f}% M {100 * arms[2].macs_front_probability:.0f}%"
    )
    assert any("probability" in note for note in table_notes(summarise(rows)))


def test_probabilities_do_not_depend_on_the_order_of_fields_or_on_the_machine():
    rows = [row("a"), row("b", accuracy=0.79, latency=2.9)]
    first, again = (summarise(rows).arms for _ in range(2))
    assert first == again


def test_trials_within_the_noise():
    rows = [
        trial(0, accuracy=0.80, latency=2.0, val_images=1000),
        trial(1, accuracy=0.801, latency=3.0, val_images=1000),
        trial(2, accuracy=0.95, latency=4.0, val_images=1000),
    ]
    summary = summarise_sweep(rows, objectives=TWO)
    shares = summary.front.probabilities
    assert shares[0] == 1.0 and 0.3 < shares[1] < 0.7 and shares[2] == 1.0
    low, high = summary.front.hypervolume_interval
    assert low < summary.front.hypervolume < high
    cells = next(column.cells for column in columns(summary) if column.key == "probability")
    assert cells == tuple(f"{100 * share:.0f}" for share in shares)


def test_exact_objectives_have_no_noise():
    rows = [trial(0, macs=10, params=5), trial(1, macs=20, params=3)]
    summary = summarise_sweep(rows, objectives={"macs": "minimize", "params": "minimize"})
    assert summary.front.probabilities.tolist() == [1.0, 1.0]
    assert "probability" not in [column.key for column in columns(summary)]
    points_of = np.array([[10.0, 5.0], [20.0, 3.0]])
    assert (draw_points(rows, points_of, summary.objectives) == points_of).all()
