"""Fronts and hypervolumes of any number of objectives equal their definitions."""

from __future__ import annotations

from itertools import product
from time import perf_counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.statistics.fronts import (
    hypervolume,
    hypervolume_progress,
    nondominated,
    reference_and_ideal,
)

WAYS = ("maximize", "minimize")


@st.composite
def problems(draw, least=0, most=4):
    """Points on a coarse grid, where ties are common, and a direction for each objective."""
    size = draw(st.integers(1, most))
    point = st.tuples(*[st.integers(0, 5)] * size)
    points = draw(st.lists(point, min_size=least, max_size=14))
    return points, draw(st.lists(st.sampled_from(WAYS), min_size=size, max_size=size))


def better(one, other, ways):
    """Whether one point dominates another."""
    gains = [
        a - b if way == "maximize" else b - a for a, b, way in zip(one, other, ways, strict=True)
    ]
    return min(gains) >= 0 and max(gains) > 0


def cells(points, ways, worst, best):
    """The share of unit cells between `best` and `worst` that a point dominates, counted."""
    ranges = [range(int(min(b, w)), int(max(b, w))) for b, w in zip(best, worst, strict=True)]
    inside = [
        any(
            all(
                v >= low + 1 if way == "maximize" else v <= low
                for v, low, way in zip(p, cell, ways, strict=True)
            )
            for p in points
        )
        for cell in product(*ranges)
    ]
    return sum(inside) / len(inside)


@settings(deadline=None)
@given(problems())
def test_front_equals_the_definition(problem):
    points, ways = problem
    naive = [not any(better(other, one, ways) for other in points) for one in points]
    assert nondominated(points, ways).tolist() == naive


def test_equal_points_are_on_the_front_together():
    points = [(0.9, 1), (0.9, 1), (0.8, 2)]
    assert nondominated(points, WAYS).tolist() == [True, True, False]


@settings(deadline=None, max_examples=60)
@given(problems(least=1, most=3))
def test_hypervolume_equals_counting_cells(problem):
    points, ways = problem
    worst = [-1 if way == "maximize" else 6 for way in ways]
    best = [5 if way == "maximize" else 0 for way in ways]
    expected = cells(points, ways, worst, best)
    assert hypervolume(points, ways, worst, best) == pytest.approx(expected)


@settings(deadline=None)
@given(problems(least=1))
def test_hypervolume_equals_moocore_and_progress_equals_hypervolume(problem):
    from moocore import hypervolume as volume

    points, ways = problem
    worst, best = reference_and_ideal(points, ways)
    box = np.prod(np.abs(worst - best))
    upwards = [way == "maximize" for way in ways]
    expected = volume(np.array(points, dtype=float), ref=worst, maximise=upwards) / box
    assert hypervolume(points, ways, worst, best) == pytest.approx(expected)
    steps = hypervolume_progress(points, ways, worst, best)
    again = [hypervolume(points[: n + 1], ways, worst, best) for n in range(len(points))]
    assert steps == pytest.approx(again)
    assert (np.diff(steps) >= 0).all()
    assert 0 < steps[0] <= steps[-1] <= 1


def test_the_reference_is_a_tenth_of_the_range_beyond_the_worst():
    points = [(0.9, 10.0), (0.5, 2.0)]
    reference, ideal = reference_and_ideal(points, WAYS)
    assert reference == pytest.approx([0.46, 10.8])
    assert ideal.tolist() == [0.9, 2.0]
    # Without a range a tenth of the value, and without a value one.
    assert reference_and_ideal([(0.9, 10.0)], WAYS)[0] == pytest.approx([0.81, 11.0])
    assert reference_and_ideal([(0.0, 0.0)], WAYS)[0].tolist() == [-1.0, 1.0]
    assert reference_and_ideal([(-2.0, -2.0)], WAYS)[0] == pytest.approx([-2.2, -1.8])


def test_what_lies_outside_the_box_is_cut_off():
    ways = ("minimize", "minimize")
    assert hypervolume([(-5, 0.5)], ways, (1, 1), (0, 0)) == pytest.approx(0.5)
    assert hypervolume([(2, 0)], ways, (1, 1), (0, 0)) == 0
    assert hypervolume([], ways, (1, 1), (0, 0)) == 0
    assert hypervolume_progress([], ways, (1, 1), (0, 0)).tolist() == []


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: nondominated([(1, 2)], ["up", "minimize"]), "maximize or minimize"),
        (lambda: nondominated([(1, 2)], ["minimize"]), "do not fit 1"),
        (lambda: nondominated([(float("nan"), 2)], WAYS), "must be finite"),
        (lambda: reference_and_ideal([], WAYS), "at least one point"),
        (lambda: hypervolume([(1, 2)], WAYS, (1, 2), (1, 1)), "worse than the ideal"),
    ],
)
def test_invalid_input_is_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_progress_of_20000_points(size, record_property):
    points = np.random.default_rng(size).random((20_000, size))
    ways = ["minimize"] * size
    began = perf_counter()
    steps = hypervolume_progress(points, ways, np.ones(size), np.zeros(size))
    record_property("seconds", perf_counter() - began)
    assert steps[-1] == pytest.approx(hypervolume(points, ways, np.ones(size), np.zeros(size)))
