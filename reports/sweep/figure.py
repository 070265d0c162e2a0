"""All trials of a sweep and its front: a panel per pair of objectives, and the progress."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from reports.comparison.arm import Row
from reports.comparison.notes import RECONSTRUCTED
from reports.figures.canvas import new_figure, write_texts
from reports.statistics import hypervolume_progress
from reports.sweep.notes import (
    dataset_text,
    differing_conditions,
    has_reconstructed,
    latency_text,
    state_counts,
)
from reports.sweep.objective import Objective, finite_number
from reports.sweep.panel import Array, ObjectivePair, draw_pair, draw_progress, label_front
from reports.sweep.summary import SweepFront, SweepSummary
from reports.sweep.table import MAX_POINTS, displayed_points, point_label

_INCHES = {1: 11.0, 2: 11.0, 3: 15.0}
"""Width of the figure by pairs of objectives."""


def sweep_figure(summary: SweepSummary) -> Figure:
    """Draw the first objective against each other one; for two objectives the progress, too.

    Points of the front carry the numbers of its table. No global state of matplotlib is used.

    Raises:
        ValueError: there is no front, or only one objective.
    """
    front = summary.front
    if front is None or len(summary.objectives) < 2:
        raise ValueError("the figure of a sweep needs a front of two objectives or more")
    pairs = [_pair(summary, front, n) for n in range(1, len(summary.objectives))]
    width = _INCHES[len(pairs)]
    figure = new_figure(width, 5.8)
    left = 0.75 / width
    between = 0.24 if len(pairs) == 1 else 0.08
    figure.subplots_adjust(left=left, right=0.98, top=0.87, bottom=0.275, wspace=between)
    panels = figure.subplots(1, max(2, len(pairs)), sharey=len(pairs) > 1)
    panels[0].set_ylabel(summary.objectives[0].heading)
    for axes, pair in zip(panels, pairs, strict=False):
        draw_pair(axes, pair)
    labels = {index: point_label(front.rows[index], index) for index in displayed_points(front)}
    # The panels share the y axis: its limits are final only after all are drawn.
    unlabelled: dict[str, None] = {}
    for axes, pair in zip(panels, pairs, strict=False):
        unlabelled |= dict.fromkeys(label_front(axes, pair, labels))
    if len(pairs) == 1:
        draw_progress(
            panels[1],
            hypervolume_progress(
                front.all_points, summary.directions, front.reference, front.ideal
            ),
        )
    caption = _caption(summary, front, list(unlabelled))
    write_texts(
        figure, summary.title, dataset_text(summary), caption, left=left, top=0.165, lines=6
    )
    return figure


def _pair(summary: SweepSummary, front: SweepFront, other: int) -> ObjectivePair:
    y, x = summary.objectives[0], summary.objectives[other]
    both = [other, 0]
    scales = [x.scale, y.scale]
    return ObjectivePair(
        x=x,
        y=y,
        finished=front.all_points[:, both] * scales,
        pruned=_pruned(summary, x, y) * scales,
        front=front.points[:, both] * scales,
    )


def _pruned(summary: SweepSummary, x: Objective, y: Objective) -> Array:
    """(n, 2) last values of the pruned trials that have both."""
    pruned = [row for row in summary.rows if row["state"] == "pruned"]
    values = [(_last_value(row, x), _last_value(row, y)) for row in pruned]
    return np.array([pair for pair in values if None not in pair], dtype=np.float64).reshape(-1, 2)


def _last_value(row: Row, objective: Objective) -> float | None:
    """The value, or that of the last epoch where training was stopped."""
    value = objective.value(row)
    curve = row.get("curve")
    if value is None and objective.name == "val_accuracy" and curve:
        return finite_number(curve[-1].get("val_accuracy"))
    return value


def _caption(summary: SweepSummary, front: SweepFront, unlabelled: list[str]) -> str:
    size = len(front.rows)
    objectives = summary.objectives
    names = {objective.name for objective in objectives}
    sentences = []
    if differing_conditions([row for row in summary.rows if row["state"] == "finished"]):
        sentences.append("WARNING: the trials' fingerprints differ, see the notes of the table.")
    sentences.append(f"Grey: finished trials ({len(front.all_points):,}).")
    pruned = len(_pruned(summary, objectives[1], objectives[0]))
    if pruned:
        sentences.append(f"Hollow: pruned ones ({pruned:,}) at their last value, unless far off.")
    if len(objectives) > 2:
        sentences.append(
            f"Blue: the front of all {len(objectives)} objectives ({size:,}), numbered as in its "
            "table; steps: the front of the two objectives of the panel."
        )
    else:
        sentences.append(f"Blue: the front ({size:,}), numbered as in its table.")
    if size > MAX_POINTS:
        sentences.append(f"As there, only {MAX_POINTS} of its points are numbered.")
    if unlabelled:
        sentences.append(f"No space for the number in a panel: {', '.join(unlabelled)}.")
    if len(objectives) == 2:
        sentences.append(
            "Hypervolume: dominated share of the box from the best finished values to a tenth of "
            "their range beyond the worst."
        )
    sentences.append(state_counts(summary))
    if "val_accuracy" in names:
        sentences.append("Validation accuracies of a search are optimistic: it selects by them.")
    if "latency_ms" in names:
        sentences.append(f"Latency: {latency_text(summary).rstrip('.')}.")
    if has_reconstructed(summary):
        sentences.append(f"{RECONSTRUCTED}.")
    return " ".join(sentences)
