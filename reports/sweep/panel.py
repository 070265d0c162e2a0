"""The panels of a sweep's figure: trials and front over two objectives, and the progress."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator
from numpy.typing import NDArray

from reports.figures.canvas import colour, scale_axis, style_axes
from reports.figures.labels import draw_labels, stairs
from reports.statistics import nondominated
from reports.sweep.objective import Objective

Array = NDArray[np.float64]

_FRONT = colour(0)
_FINISHED = "0.72"
_DENSE = 1000
"""Points above which the PDF holds them as a picture: a file that viewers can open."""
_LOG_FROM = 20
"""Factor between values above which an axis is logarithmic."""
_AVOIDED = 1500
"""Grey points that labels keep off; more leave no free position anyway."""


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


def draw_pair(axes: Axes, pair: ObjectivePair) -> None:
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


def label_front(axes: Axes, pair: ObjectivePair, labels: Mapping[int, str]) -> list[str]:
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


def draw_progress(axes: Axes, hypervolumes: Array) -> None:
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
