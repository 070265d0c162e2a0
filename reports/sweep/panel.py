"""One panel of a sweep's figure: all trials, the front as steps, a number at its points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter
from numpy.typing import NDArray

from reports.figures.palette import colour
from reports.statistics.fronts import nondominated
from reports.sweep.objective import Objective

FRONT = colour(0)
FINISHED = "0.72"
_DENSE = 1000
"""From so many points on the PDF holds them as a picture: a file one can open."""
_LOGARITHMIC = 20
"""Spread of values from which an axis is logarithmic."""


@dataclass(frozen=True)
class Pair:
    """Two objectives of a sweep, x and y, in the units of people; arrays are (n, 2)."""

    x: Objective
    y: Objective
    finished: NDArray[np.float64]
    pruned: NDArray[np.float64]
    front: NDArray[np.float64]
    """Of the whole problem."""

    @property
    def directions(self) -> list[str]:
        """Of x and y."""
        return [self.x.direction, self.y.direction]

    def steps(self) -> NDArray[np.float64]:
        """What of the front no other trial beats in these two alone, from the best x on."""
        alone = self.front[nondominated(self.front, self.directions)]
        order = np.lexsort([alone[:, 1], alone[:, 0]])
        return alone[order[::-1] if self.x.maximize else order]

    def line(self, limits: tuple[float, float]) -> NDArray[np.float64]:
        """The steps on to the worse end of the x axis: nothing better can be had there."""
        steps = self.steps()
        return np.vstack([steps, [limits[0 if self.x.maximize else 1], steps[-1, 1]]])


def frame(axes: Axes) -> None:
    """Grid and spines as in all figures of the house."""
    axes.grid(color="0.92", linewidth=0.7)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def draw_pair(axes: Axes, pair: Pair) -> None:
    """Draw everything but the numbers; limits and scales are final afterwards."""
    frame(axes)
    shown = np.vstack([pair.finished, pair.pruned[near(pair.pruned, pair.finished)]])
    _scale(axes, "x", shown[:, 0])
    _scale(axes, "y", shown[:, 1])
    axes.set_xlabel(pair.x.heading)
    _dots(axes, pair.pruned, ms=2.6, mfc="none", mec="0.68", mew=0.5, zorder=1.5, gid="pruned")
    _dots(axes, pair.finished, ms=4.2, mfc=FINISHED, mec="white", mew=0.3, zorder=2, gid="finished")
    xs, ys = pair.line(axes.get_xlim()).T
    axes.step(xs, ys, where="post", color=FRONT, alpha=0.55, linewidth=1.2, zorder=2.5, gid="steps")
    _dots(axes, pair.front, ms=6.0, mfc=FRONT, mec="white", mew=0.6, zorder=3, gid="front")


def near(pruned: NDArray[np.float64], finished: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which pruned trials lie within one range of the finished ones around them.

    A trial that was stopped after an epoch or two may be so bad that the front beside it would
    shrink to a line.
    """
    low, high = finished.min(axis=0), finished.max(axis=0)
    room = np.where(high > low, high - low, np.abs(high))
    within: NDArray[np.bool_] = ((pruned >= low - room) & (pruned <= high + room)).all(axis=1)
    return within


def draw_progress(axes: Axes, volumes: Sequence[float] | NDArray[np.float64]) -> None:
    """Hypervolume against the number of finished trials, a step each."""
    frame(axes)
    counts = np.arange(1, len(volumes) + 1)
    axes.step(counts, volumes, where="post", color=FRONT, linewidth=1.5, gid="progress")
    _dots(axes, np.array([[counts[-1], volumes[-1]]]), ms=5.0, mfc=FRONT, mec="white", mew=0.6)
    axes.set_xlim(0, 1.04 * len(volumes))
    axes.set_ylim(0, 1.02)
    axes.xaxis.set_major_locator(MaxNLocator(8, integer=True, min_n_ticks=1))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.set_xlabel("Finished trials")
    axes.set_ylabel("Hypervolume (share of the box)")


def _dots(axes: Axes, points: NDArray[np.float64], **style: object) -> None:
    dense = len(points) > _DENSE
    xs, ys = points[:, 0], points[:, 1]
    axes.plot(xs, ys, linestyle="none", marker="o", rasterized=dense, **style)  # type: ignore[arg-type]


def _scale(axes: Axes, which: str, values: NDArray[np.float64]) -> None:
    low, high = float(values.min()), float(values.max())
    limits, scale = (
        (axes.set_xlim, axes.set_xscale) if which == "x" else (axes.set_ylim, axes.set_yscale)
    )
    axis = axes.xaxis if which == "x" else axes.yaxis
    if low > 0 and high > _LOGARITHMIC * low:
        margin = (high / low) ** 0.06
        scale("log")
        limits(low / margin, high * margin)
        axis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 500 * low else (1,)))
        axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axis.set_minor_formatter(NullFormatter())
        return
    margin = max(0.07 * (high - low), 0.01 * abs(high)) or 1.0
    limits(low - margin, high + margin)
