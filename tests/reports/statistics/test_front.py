"""The front equals its definition."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.statistics.fronts import accuracy_cost_front

# A coarse grid makes ties and equal points common.
POINTS = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), max_size=25)


def naive(points):
    """Straight from the definition, O(n^2)."""
    return [
        not any(
            accuracy >= mine and cost <= own and (accuracy, cost) != (mine, own)
            for accuracy, cost in points
        )
        for mine, own in points
    ]


@settings(deadline=None)
@given(POINTS)
def test_front_equals_the_definition(points):
    mask = accuracy_cost_front([accuracy for accuracy, _ in points], [cost for _, cost in points])
    assert mask.tolist() == naive(points)


def test_equal_points_are_on_the_front_together():
    assert accuracy_cost_front([0.9, 0.9, 0.8], [1, 1, 2]).tolist() == [True, True, False]


def test_lengths_must_agree():
    with pytest.raises(ValueError, match="one cost per accuracy"):
        accuracy_cost_front([1.0], [1.0, 2.0])


def test_nan_is_refused():
    with pytest.raises(ValueError, match="must be finite"):
        accuracy_cost_front([float("nan")], [1.0])
