"""Stopping early with several objectives: asynchronous successive halving by non-dominated rank.

Optuna's pruners know one objective only. After Jamieson and Talwalkar (arXiv 1502.07943), Li et al.
(ASHA, arXiv 1810.05934) and Schmucker et al. (MO-ASHA, arXiv 2106.12639); in the stopping form:
a trial is judged when it reaches a rung, and what passes goes on at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil

import moocore
import numpy as np


@dataclass(frozen=True)
class Verdict:
    """What becomes of a trial at a rung.

    Args:
        goes_on: whether it is worth more epochs.
        place: how many trials of the rung come before it.
        rivals: how many trials have reached the rung, itself included.
    """

    goes_on: bool
    place: int
    rivals: int


def rung_epochs(first: int, eta: int, epochs: int) -> tuple[int, ...]:
    """Epochs after which trials are judged: first, first*eta, ... below the last epoch."""
    found = []
    while first < epochs:
        found.append(first)
        first *= eta
    return tuple(found)


@dataclass
class Rung:
    """Losses of all trials that reached some epoch: the more trials, the surer the verdicts."""

    eta: int
    losses: dict[str, tuple[float, ...]] = field(default_factory=dict)

    def enter(self, name: str, loss: Sequence[float]) -> None:
        """Add a trial that reached this rung in an earlier session."""
        self.losses[name] = tuple(loss)

    def judge(self, name: str, loss: Sequence[float]) -> Verdict:
        """Enter a trial by its name, and tell whether it is among the best 1/eta so far.

        Args:
            name: of the trial; one that comes again replaces itself.
            loss: its objectives at this epoch, less is better.
        """
        self.enter(name, loss)
        place = (
            order(np.array(list(self.losses.values())))
            .tolist()
            .index(list(self.losses).index(name))
        )
        allowed = max(1, ceil(len(self.losses) / self.eta))
        return Verdict(place < allowed, place, len(self.losses))


def order(losses: np.ndarray) -> np.ndarray:
    """Indices of trials from best to worst: by non-dominated rank, then by how alone they are.

    Within one rank the trial that adds the most distance to its neighbours comes first (the
    crowding distance of NSGA-II), so that a rung keeps a spread of trade-offs.

    Args:
        losses: (trials, objectives), less is better.
    """
    ranks = moocore.pareto_rank(losses)
    alone = np.zeros(len(losses))
    for rank in np.unique(ranks):
        members = np.flatnonzero(ranks == rank)
        alone[members] = _crowding(losses[members])
    # Stable: of equals the earlier one comes first.
    return np.lexsort((np.arange(len(losses)), -alone, ranks))


def _crowding(losses: np.ndarray) -> np.ndarray:
    """Crowding distance of the trials of one rank; infinite at the ends of each objective."""
    found = np.zeros(len(losses))
    for column in losses.T:
        by_value = np.argsort(column, kind="stable")
        sorted_column = column[by_value]
        span = sorted_column[-1] - sorted_column[0]
        if span > 0:
            found[by_value[[0, -1]]] = np.inf
            found[by_value[1:-1]] += (sorted_column[2:] - sorted_column[:-2]) / span
    return found
