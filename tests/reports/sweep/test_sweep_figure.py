"""The figure of a sweep: every edge case draws, numbers match the table and do not overlap."""

from __future__ import annotations

import subprocess
import sys
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from matplotlib.text import Text

from reports.figures.canvas import pdf, png
from reports.statistics import hypervolume
from reports.sweep.figure import sweep_figure
from reports.sweep.summary import summarise_sweep
from reports.sweep.table import columns
from tests.reports.sweep.sweep_rows import FOUR, ONE, THREE, TWO, sweep, trial

ROOT = Path(__file__).parents[3]


def line(points):
    """A front of so many points with something dominated behind it."""
    steps = range(points)
    front = [trial(n, accuracy=0.5 + 0.4 * n / points, latency=1.1**n) for n in steps]
    return [*front, trial(points, accuracy=0.45, latency=1.1**points)]


CASES = {
    "one trial": ([trial(0)], TWO),
    "front of one": ([trial(0), trial(1, accuracy=0.7, latency=4.0)], TWO),
    "front of five": (line(5), TWO),
    "front of 25": (line(25), TWO),
    "front of 25 in three": (line(25), THREE),
    "front of 60": (line(60), TWO),
    "identical": ([trial(n) for n in range(6)], TWO),
    "two": (sweep(60), TWO),
    "three": (sweep(100), THREE),
    "four": (sweep(100), FOUR),
    "only costs": (sweep(60), {"macs": "minimize", "peak_memory_bytes": "minimize"}),
    "reversed": (sweep(60), {name: TWO[name] for name in reversed(TWO)}),
    "mathematics": ([trial(0, dataset_note="$5 and $\\x", reconstructed=True)], TWO),
    "nothing": ([trial(n, accuracy=0.0, latency_ms_median=0.0, macs=0) for n in range(2)], THREE),
}


def summary_of(case, **changes):
    rows, objectives = CASES[case]
    return summarise_sweep(rows, objectives=objectives, title="5 $ or 6 $", **changes)


def numbered(axes):
    return [text for text in axes.texts if text.get_text()]


@pytest.mark.parametrize("case", CASES)
def test_numbers_match_the_table_and_overlap_nothing(case):
    summary = summary_of(case)
    figure = sweep_figure(summary)
    figure.canvas.draw()
    pairs = len(summary.objectives) - 1
    assert len(figure.axes) == max(2, pairs)
    rows = set(columns(summary)[0].cells)
    caption = figure.texts[-1].get_text().replace("\n", " ")
    unlabelled = caption.partition("No space for the number in a panel: ")[2].partition(".")[0]
    for axes in figure.axes[:pairs]:
        labels = {text.get_text() for text in numbered(axes)}
        assert labels <= rows and rows - labels <= set(unlabelled.split(", "))
        boxes = [Text.get_window_extent(text) for text in numbered(axes)]
        assert not [1 for one, two in combinations(boxes, 2) if one.overlaps(two)]
        frame = axes.get_window_extent().padded(2)
        for box in boxes:
            assert frame.x0 <= box.x0 and box.x1 <= frame.x1
            assert frame.y0 <= box.y0 and box.y1 <= frame.y1


@pytest.mark.parametrize("case", CASES)
def test_nothing_is_cut(case):
    figure = sweep_figure(summary_of(case, dataset_note="text " * 60, sampler="x" * 300))
    figure.canvas.draw()
    width, height = figure.canvas.get_width_height()
    texts = [*figure.texts, *(axes.xaxis.label for axes in figure.axes)]
    texts += [figure.axes[0].yaxis.label]
    for text in texts:
        box = text.get_window_extent()
        assert box.x0 >= 0 and box.y0 >= 0 and box.x1 <= width and box.y1 <= height


def test_fronts_along_a_line_have_space_for_every_number():
    for case in ("front of five", "front of 25", "front of 25 in three", "identical"):
        assert "No space for the number" not in sweep_figure(summary_of(case)).texts[-1].get_text()


def drawn(axes, gid):
    (artist,) = [line for line in axes.lines if line.get_gid() == gid]
    return np.asarray(artist.get_xydata())


def test_drawn_points_are_those_of_the_sweep():
    summary = summary_of("two")
    points, volumes = sweep_figure(summary).axes
    finished = [row for row in summary.rows if row["state"] == "finished"]
    expected = [(row["latency_ms_median"], 100 * row["val_accuracy"]) for row in finished]
    assert drawn(points, "finished") == pytest.approx(np.array(expected))
    pruned = [row for row in summary.rows if row["state"] == "pruned"]
    last = [(row["latency_ms_median"], 100 * row["curve"][-1]["val_accuracy"]) for row in pruned]
    assert drawn(points, "pruned") == pytest.approx(np.array(last))
    assert points.get_xscale() == "log"
    front = summary.front
    assert len(drawn(points, "front")) == len(front.rows)
    # After each trial: recomputed from scratch.
    expected = [
        hypervolume(front.all_points[:n], summary.directions, front.reference, front.ideal)
        for n in range(1, len(finished) + 1)
    ]
    assert drawn(volumes, "progress")[:, 1] == pytest.approx(expected)


def test_axes_are_logarithmic_from_a_factor_of_twenty():
    for slowest, scale in ((20.0, "linear"), (21.0, "log")):
        rows = [trial(0, latency=1.0), trial(1, accuracy=0.9, latency=slowest)]
        summary = summarise_sweep(rows, objectives=TWO)
        assert sweep_figure(summary).axes[0].get_xscale() == scale


def test_equal_input_gives_equal_bytes():
    def files():
        figure = sweep_figure(summary_of("three"))
        return png(figure), pdf(figure)

    assert files() == files()


def test_a_figure_needs_two_objectives_and_a_front():
    for rows, objectives in ((sweep(9), ONE), ([], TWO)):
        with pytest.raises(ValueError, match="front of two objectives"):
            sweep_figure(summarise_sweep(rows, objectives=objectives))


def test_publishing_needs_neither_torch_nor_runners_nor_pyplot(tmp_path):
    code = (
        "import sys, reports; from pathlib import Path\n"
        "from tests.reports.sweep.sweep_rows import TWO, sweep\n"
        "summary = reports.summarise_sweep(sweep(9), objectives=TWO)\n"
        f"reports.publish(summary, Path({str(tmp_path)!r}), time='')\n"
        "sys.exit(bool({'torch', 'runners', 'matplotlib.pyplot'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60).returncode == 0
