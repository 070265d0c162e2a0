"""The figure draws every edge case, names do not overlap, and equal input gives equal bytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from reports.comparison.pareto import pareto_figure
from reports.comparison.summary import summarise
from reports.figures.canvas import pdf, png
from tests.reports.rows import many, row

ROOT = Path(__file__).parents[3]
FAILED = row("x", state="failed", reason="boom", accuracy=None, latency=None)
CASES = {
    "one": many(1),
    "two": many(2),
    "twenty-five": many(25),
    "identical": [row(f"arm_{i}") for i in range(5)],
    "failed": [*many(3, 2), FAILED],
    "no costs": [row("a", latency=None), row("b", latency=None)],
    "perfect": [row("a", accuracy=1.0), row("b", accuracy=0.0)],
    "far apart": [row("a", latency=0.1, macs=10**5), row("b", latency=90, macs=10**9)],
    "mathematics": [row("$\\frac{", dataset_note="costs $5 and $\\x"), row("a\nb")],
}


@pytest.mark.parametrize("rows", CASES.values(), ids=CASES.keys())
def test_edge_cases_draw(rows):
    figure = pareto_figure(summarise(rows, title="5 $ or 6 $"))
    figure.canvas.draw()
    left, right = figure.axes
    drawn = [row for row in rows if row["test_accuracy"] is not None]
    names = {row["name"] for row in drawn if row["macs"] is not None}
    for axes in (left, right):
        annotations = [text for text in axes.texts if text.get_text() != "not measured"]
        assert len(annotations) == len(names)


def test_no_accuracy_is_no_figure():
    with pytest.raises(ValueError, match="at least one arm with an accuracy"):
        pareto_figure(summarise([FAILED]))


def test_names_do_not_overlap():
    from itertools import combinations

    from matplotlib.text import Text

    figure = pareto_figure(summarise(many(22)))
    figure.canvas.draw()
    for axes in figure.axes:
        # The extent of an annotation counts its line; a name may touch another's line.
        boxes = [Text.get_window_extent(text).padded(-2) for text in axes.texts]
        assert not [1 for one, two in combinations(boxes, 2) if one.overlaps(two)]


def test_equal_input_gives_equal_bytes():
    def files():
        figure = pareto_figure(summarise(many(3)))
        return png(figure), pdf(figure)

    first = files()
    assert first == files()
    assert first[0].startswith(b"\x89PNG")
    assert first[1].startswith(b"%PDF")
    assert b"CreationDate" not in first[1]
    assert b"Type3" not in first[1]


def test_pyplot_stays_out():
    code = "import sys, reports.comparison.pareto; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60).returncode == 0
