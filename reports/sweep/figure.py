"""All trials of a sweep and its front: a panel per pair of objectives, and the progress."""

from __future__ import annotations

from textwrap import fill, shorten

import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from reports.comparison.arm import Row
from reports.comparison.notes import RECONSTRUCTED
from reports.comparison.pareto import DPI
from reports.statistics.fronts import hypervolume_progress
from reports.sweep.notes import data, differences, ended, latency, reconstructed
from reports.sweep.numbers import draw_numbers
from reports.sweep.objective import Objective, number
from reports.sweep.panel import Pair, draw_pair, draw_progress
from reports.sweep.summary import SweepFront, SweepSummary
from reports.sweep.table import SHOWN, label, shown

_INCHES = {1: 11.0, 2: 11.0, 3: 15.0}
"""Width of the figure by pairs of objectives."""


def sweep_figure(summary: SweepSummary) -> Figure:
    """Draw the first objective against each other one; for two objectives the progress beside.

    Points of the front carry the numbers of its table. No global state of matplotlib is used.

    Raises:
        ValueError: there is no front, or one objective alone.
    """
    front = summary.front
    if front is None or len(summary.objectives) < 2:
        raise ValueError("the figure of a sweep needs a front of two objectives or more")
    pairs = [_pair(summary, front, n) for n in range(1, len(summary.objectives))]
    width = _INCHES[len(pairs)]
    drawn = Figure(figsize=(width, 5.8), dpi=DPI)
    FigureCanvasAgg(drawn)
    left = 0.75 / width
    between = 0.24 if len(pairs) == 1 else 0.08
    drawn.subplots_adjust(left=left, right=0.98, top=0.87, bottom=0.275, wspace=between)
    panels = drawn.subplots(1, max(2, len(pairs)), sharey=len(pairs) > 1)
    panels[0].set_ylabel(summary.objectives[0].heading)
    for axes, pair in zip(panels, pairs, strict=False):
        draw_pair(axes, pair)
    labels = {place: label(front.rows[place], place) for place in shown(front)}
    left_out: dict[str, None] = {}
    for axes, pair in zip(panels, pairs, strict=False):
        left_out |= dict.fromkeys(draw_numbers(axes, pair, labels))
    if len(pairs) == 1:
        ways = summary.directions
        volumes = hypervolume_progress(front.everything, ways, front.reference, front.ideal)
        draw_progress(panels[1], volumes)
    _texts(drawn, summary, left, _caption(summary, front, list(left_out)))
    return drawn


def _pair(summary: SweepSummary, front: SweepFront, other: int) -> Pair:
    y, x = summary.objectives[0], summary.objectives[other]
    both = [other, 0]
    scales = [x.scale, y.scale]
    return Pair(
        x=x,
        y=y,
        finished=front.everything[:, both] * scales,
        pruned=_pruned(summary, x, y) * scales,
        front=front.points[:, both] * scales,
    )


def _pruned(summary: SweepSummary, x: Objective, y: Objective) -> NDArray[np.float64]:
    """(n, 2) last values of the pruned trials that have both."""
    each = [(_last(row, x), _last(row, y)) for row in summary.rows if row["state"] == "pruned"]
    known = [(one, two) for one, two in each if one is not None and two is not None]
    return np.array(known, dtype=np.float64).reshape(-1, 2)


def _last(row: Row, objective: Objective) -> float | None:
    """The value, or where training was cut short that of the last epoch."""
    value = objective.value(row)
    curve = row.get("curve")
    if value is None and objective.name == "val_accuracy" and curve:
        return number(curve[-1].get("val_accuracy"))
    return value


def _texts(drawn: Figure, summary: SweepSummary, left: float, caption: str) -> None:
    """Title, data set and caption; names may hold $ and are never read as mathematics."""
    wide = drawn.get_figwidth() / 11
    title = shorten(summary.title, int(90 * wide), placeholder=" …")
    drawn.text(left, 0.945, title, fontsize=13, weight="bold", parse_math=False)
    about = shorten(data(summary), int(150 * wide), placeholder=" …")
    drawn.text(left, 0.895, about, fontsize=9, color="0.35", parse_math=False)
    words = fill(caption, int(172 * wide), max_lines=6, placeholder=" …")
    drawn.text(
        left, 0.165, words, fontsize=8, color="0.25", va="top", linespacing=1.4, parse_math=False
    )


def _caption(summary: SweepSummary, front: SweepFront, left_out: list[str]) -> str:
    size = len(front.rows)
    more = len(summary.objectives) > 2
    said = [f"Grey: finished trials ({len(front.everything):,})."]
    drawn = len(_pruned(summary, summary.objectives[1], summary.objectives[0]))
    if drawn:
        said.append(
            f"Hollow: pruned ones ({drawn:,}), at their last value; far off ones not shown."
        )
    if more:
        said.append(
            f"Blue: the front of all {len(summary.objectives)} objectives ({size:,}), numbered as "
            "in its table; steps: what of it no trial beats in the two of the panel."
        )
    else:
        said.append(f"Blue: the front ({size:,}), numbered as in its table.")
    if size > SHOWN:
        said.append(f"{SHOWN} of its points have a number, as there.")
    if left_out:
        said.append(f"Without room for its number in a panel: {', '.join(left_out)}.")
    if not more:
        said.append(
            "Hypervolume: share dominated of the box from the best finished values to a tenth of "
            "their range beyond the worst."
        )
    said.append(ended(summary))
    if differences([row for row in summary.rows if row["state"] == "finished"]):
        said.insert(0, "WARNING: the trials' fingerprints differ, see the notes of the table.")
    if any(each.name == "val_accuracy" for each in summary.objectives):
        said.append("Validation accuracies of a search are optimistic: selection is on them.")
    if any(each.name == "latency_ms" for each in summary.objectives):
        said.append(f"Latency: {latency(summary).rstrip('.')}.")
    if reconstructed(summary):
        said.append(f"{RECONSTRUCTED}.")
    return " ".join(said)
