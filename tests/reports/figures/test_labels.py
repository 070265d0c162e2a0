"""Labels of points: no overlap, no leaving of the frame, obstacles avoided, deterministic."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.text import Text

from reports.figures.canvas import new_figure
from reports.figures.labels import draw_labels, place_labels, stairs

FRAME = (600.0, 400.0)
SIZE = (60.0, 12.0)


def overlaps(one, two, size=SIZE):
    return abs(one[0] - two[0]) < size[0] and abs(one[1] - two[1]) < size[1]


def place(points, **options):
    return place_labels(points, [SIZE] * len(points), frame=FRAME, gap=8, **options)


def test_labels_of_equal_points_do_not_overlap():
    centres = place([(300.0, 200.0)] * 10)
    assert not [pair for pair in combinations(centres, 2) if overlaps(*pair)]


def test_no_points_have_no_labels():
    assert place_labels([], [], frame=(10, 10), gap=1).shape == (0, 2)


def test_a_lonely_label_is_right_of_its_point():
    assert place([(300.0, 200.0)]).tolist() == [[300 + 8 + 30, 200]]


@pytest.mark.parametrize("point", [(2, 2), (598, 2), (2, 398), (598, 398)])
def test_labels_stay_inside_the_frame(point):
    ((x, y),) = place([point])
    assert SIZE[0] / 2 <= x <= FRAME[0] - SIZE[0] / 2
    assert SIZE[1] / 2 <= y <= FRAME[1] - SIZE[1] / 2


def test_labels_do_not_cover_points():
    points = [(300.0 + 30 * n, 200.0 + 5 * n) for n in range(6)]
    distances = np.abs(place(points)[:, None] - np.array(points)[None])
    assert not (distances < np.array(SIZE) / 2).all(axis=2).any()


def test_labels_keep_off_obstacles():
    ((x, _),) = place([(300.0, 200.0)], obstacles=[(305.0, 100.0, 400.0, 300.0)])
    assert x + SIZE[0] / 2 <= 305


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 600), st.floats(0, 400)), min_size=1, max_size=15))
def test_placing_is_deterministic(points):
    assert place(points).tolist() == place(points).tolist()


def test_stairs_turn_at_each_point():
    assert stairs([(0, 1), (2, 3), (4, 5)]).tolist() == [[0, 1], [2, 1], [2, 3], [4, 3], [4, 5]]


def axes_with(points, texts, **options):
    figure = new_figure(4, 3)
    axes = figure.subplots()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    left_out = draw_labels(axes, texts, points, fontsize=8, **options)
    figure.canvas.draw()
    return axes, left_out


def test_drawn_labels_do_not_overlap():
    axes, left_out = axes_with([(0.5, 0.5)] * 12, [f"label {n}" for n in range(12)])
    boxes = [Text.get_window_extent(text) for text in axes.texts]
    assert len(boxes) == 12 and not left_out
    assert not [1 for one, two in combinations(boxes, 2) if one.overlaps(two)]


def test_labels_without_space_are_left_out_and_returned():
    texts = [f"{n} {'wide ' * 12}" for n in range(60)]
    axes, left_out = axes_with([(0.5, 0.5)] * 60, texts, keep_all=False)
    drawn = [text.get_text() for text in axes.texts]
    assert left_out and sorted(drawn + left_out) == sorted(texts)
    boxes = [Text.get_window_extent(text) for text in axes.texts]
    assert not [1 for one, two in combinations(boxes, 2) if one.overlaps(two)]
    axes, left_out = axes_with([(0.5, 0.5)] * 60, texts)
    assert len(axes.texts) == 60 and not left_out


def test_only_distant_labels_have_a_line():
    axes, _ = axes_with([(0.5, 0.5)], ["near"])
    assert not axes.texts[0].arrow_patch.get_visible()
    axes, _ = axes_with([(0.5, 0.5)] * 12, [f"label {n}" for n in range(12)])
    assert np.any([text.arrow_patch.get_visible() for text in axes.texts])
