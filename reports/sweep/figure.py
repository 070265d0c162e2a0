"""All trials of a sweep and its front: a panel per pair of objectives, and the progress."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from reports.comparison.notes import RECONSTRUCTED
from reports.figures.canvas import colour, new_figure, scale_axis, style_axes, write_texts
from reports.figures.labels import draw_labels, stairs
from reports.figures.ticks import separate_ticks
from reports.statistics import hypervolume_progress, nondominated
from reports.sweep.notes import (
    dataset_text,
    differing_conditions,
    has_reconstructed,
    latency_text,
    state_counts,
)
from reports.sweep.objective import Objective, finite_number
from reports.sweep.summary import SweepFront, SweepSummary
from reports.sweep.table import MAX_POINTS, displayed_points, point_label
from reports.tables.records import Row

Array = NDArray[np.float64]

_FRONT = colour(0)
_FINISHED = "0.72"
_DENSE = 1000
"""Points above which the PDF holds them as a picture: a file that viewers can open."""
_LOG_FROM = 20
"""Factor between values above which an axis is logarithmic."""
_AVOIDED = 1500
"""Grey points that labels keep off; more leave no free position anyway."""
_INCHES = {1: 11.0, 2: 11.0, 3: 15.0}
"""Width of the figure by pairs of objectives."""


@dataclass(frozen=True)
class ObjectivePair:
    """Two objectives of a sweep, x and y, in displayed units; arrays are (n, 2)."""

    x: Objective
    y: Objective
    finished: Array
    pruned: Array
    front: Array
    """Of all objectives."""

    def steps(self) -> Array:
        """The points that are on the front of these two objectives, best x first."""
        directions = [self.x.direction, self.y.direction]
        front = self.front[nondominated(self.front, directions)]
        order = np.lexsort([front[:, 1], front[:, 0]])
        return front[order[::-1] if self.x.maximize else order]


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
        _draw_pair(axes, pair)
    labels = {index: point_label(front.rows[index], index) for index in displayed_points(front)}
    # The panels share the y axis: its limits are final only after all are drawn.
    unlabelled: dict[str, None] = {}
    for axes, pair in zip(panels, pairs, strict=False):
        unlabelled |= dict.fromkeys(_label_front(axes, pair, labels))
    if len(pairs) == 1:
        _draw_progress(
            panels[1],
            hypervolume_progress(
                front.all_points, summary.directions, front.reference, front.ideal
            ),
        )
    separate_ticks(figure)
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


def _draw_pair(axes: Axes, pair: ObjectivePair) -> None:
    """Draw everything but the labels; limits and scales are final afterwards."""
    style_axes(axes)
    visible = np.vstack([pair.finished, pair.pruned[_near(pair.pruned, pair.finished)]])
    (low_x, low_y), (high_x, high_y) = visible.min(axis=0), visible.max(axis=0)
    scale_axis(axes, "x", low_x, high_x, log_from=_LOG_FROM, margin=0.07)
    scale_axis(axes, "y", low_y, high_y, log_from=_LOG_FROM, margin=0.07)
    axes.set_xlabel(pair.x.heading)
    _dots(axes, pair.pruned, ms=2.6, mfc="none", mec="0.68", mew=0.5, zorder=1.5, gid="pruned")
    _dots(
        axes, pair.finished, ms=4.2, mfc=_FINISHED, mec="white", mew=0.3, zorder=2, gid="finished"
    )
    axes.plot(*_line(axes, pair).T, color=_FRONT, alpha=0.55, lw=1.2, zorder=2.5, gid="steps")
    _dots(axes, pair.front, ms=6.0, mfc=_FRONT, mec="white", mew=0.6, zorder=3, gid="front")


def _label_front(axes: Axes, pair: ObjectivePair, labels: Mapping[int, str]) -> list[str]:
    """Write labels at points of the front, by their index; return those that had no space."""
    # A thinned cloud is still avoided everywhere.
    grey = pair.finished[:: 1 + len(pair.finished) // _AVOIDED]
    return draw_labels(
        axes,
        list(labels.values()),
        pair.front[list(labels)],
        fontsize=8.0 if len(labels) <= 15 else 6.8,
        lines=[_line(axes, pair)],
        dots=np.vstack([grey, np.delete(pair.front, list(labels), axis=0)]),
        keep_all=False,
    )


def _draw_progress(axes: Axes, hypervolumes: Array) -> None:
    """Draw the hypervolume against the number of finished trials."""
    style_axes(axes)
    counts = np.arange(1, len(hypervolumes) + 1)
    axes.step(counts, hypervolumes, where="post", color=_FRONT, linewidth=1.5, gid="progress")
    last = np.array([[counts[-1], hypervolumes[-1]]])
    _dots(axes, last, ms=5.0, mfc=_FRONT, mec="white", mew=0.6)
    axes.set_xlim(0, 1.04 * len(hypervolumes))
    axes.set_ylim(0, 1.02)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlabel("Finished trials")
    axes.set_ylabel("Hypervolume (share of the box)")


def _line(axes: Axes, pair: ObjectivePair) -> Array:
    """The steps, extended to the worse end of the x axis: nothing better exists there."""
    steps = pair.steps()
    end = axes.get_xlim()[0 if pair.x.maximize else 1]
    return stairs(np.vstack([steps, [end, steps[-1, 1]]]))


def _near(pruned: Array, finished: Array) -> NDArray[np.bool_]:
    """Mask of the pruned trials that lie within one range of the finished ones.

    A trial that was stopped after an epoch or two may be so bad that the front would shrink to a
    line.
    """
    low, high = finished.min(axis=0), finished.max(axis=0)
    margin = np.where(high > low, high - low, np.abs(high))
    within: NDArray[np.bool_] = ((pruned >= low - margin) & (pruned <= high + margin)).all(axis=1)
    return within


def _dots(axes: Axes, points: Array, **style: object) -> None:
    dense = len(points) > _DENSE
    axes.plot(*points.T, linestyle="none", marker="o", rasterized=dense, **style)  # type: ignore[arg-type]
