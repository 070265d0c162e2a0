"""Multi-objective early stopping: asynchronous successive halving by non-dominated rank.

Optuna's pruners support one objective only. After Jamieson and Talwalkar (arXiv 1502.07943), Li et
al. (ASHA, arXiv 1810.05934) and Schmucker et al. (MO-ASHA, arXiv 2106.12639), in the stopping form:
a trial is ranked when it reaches a rung, and continues or stops at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from math import ceil

import moocore
import numpy as np


@dataclass(frozen=True)
class RungDecision:
    """Whether a trial is among the best 1/eta of a rung, and continues.

    The rank, 1 for the best, is that among the `count` trials that have reached the rung so far.
    """

    continues: bool
    rank: int
    count: int
    eta: int

    def reason(self, epoch: int) -> str:
        """Why the trial stops, for example "ranked 4th of 7 at epoch 2; the top half continue"."""
        share = {2: "half", 3: "third", 4: "quarter"}.get(self.eta, f"1/{self.eta}")
        return (
            f"ranked {_ordinal(self.rank)} of {self.count} at epoch {epoch}; "
            f"the top {share} continue"
        )


def rung_epochs(first: int, eta: int, epochs: int) -> tuple[int, ...]:
    """Epochs after which trials are ranked: first, first*eta, ... below the last epoch."""
    rungs = []
    while first < epochs:
        rungs.append(first)
        first *= eta
    return tuple(rungs)


@dataclass
class HalvingRung:
    """Losses of all trials that reached an epoch, by name; less is better."""

    eta: int
    losses: dict[str, tuple[float, ...]] = field(default_factory=dict)

    def add(self, name: str, loss: Sequence[float]) -> None:
        """Add a trial without a decision, for example one of an earlier session."""
        self.losses[name] = tuple(loss)

    def decide(self, name: str, loss: Sequence[float]) -> RungDecision:
        """Add a trial, or replace its losses, and decide whether it is among the best 1/eta."""
        self.add(name, loss)
        order = rank_trials(np.array(list(self.losses.values()))).tolist()
        rank = order.index(list(self.losses).index(name)) + 1
        allowed = max(1, ceil(len(self.losses) / self.eta))
        return RungDecision(rank <= allowed, rank, len(self.losses), self.eta)


def rank_trials(losses: np.ndarray) -> np.ndarray:
    """Indices of trials from best to worst, by non-dominated rank, then by crowding distance.

    Among trials of one rank, the more isolated one comes first (the crowding distance of NSGA-II),
    so that a rung keeps a spread of trade-offs; among equals, the earlier one.

    Args:
        losses: (trials, objectives); less is better.
    """
    ranks = moocore.pareto_rank(losses)
    crowding = np.zeros(len(losses))
    for rank in np.unique(ranks):
        members = np.flatnonzero(ranks == rank)
        crowding[members] = _crowding(losses[members])
    return np.lexsort((np.arange(len(losses)), -crowding, ranks))


def _crowding(losses: np.ndarray) -> np.ndarray:
    """Crowding distance of the trials of one rank; infinite at the ends of each objective."""
    distance = np.zeros(len(losses))
    for column in losses.T:
        by_value = np.argsort(column, kind="stable")
        sorted_column = column[by_value]
        span = sorted_column[-1] - sorted_column[0]
        if span > 0:
            distance[by_value[[0, -1]]] = np.inf
            distance[by_value[1:-1]] += (sorted_column[2:] - sorted_column[:-2]) / span
    return distance


def _ordinal(number: int) -> str:
    """A number with its ordinal suffix: 1st, 2nd, 3rd, 4th, 11th, 21st."""
    suffixes = {1: "st", 2: "nd", 3: "rd"}
    suffix = "th" if number % 100 in (11, 12, 13) else suffixes.get(number % 10, "th")
    return f"{number}{suffix}"
