"""Child generation for genetic samplers: near the parents, and not proposed before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial

from search_space import Space, Values

_MAX_TRIES = 200


class NewChildStrategy:
    """Child generation strategy of NSGA-II and NSGA-III for expensive evaluations.

    A child copies one parent, or with probability `crossover` takes each value from one of two,
    and then changes one dimension. Optuna's default strategy leaves a child unchanged as often as
    it changes one dimension, so that in small spaces most children are duplicates; crossover
    without mutation never leaves the values of the first generation. One change at a time is local
    search, the strongest simple searcher on tabulated benchmarks (White et al., arXiv 2005.02960).

    Raises:
        ValueError: `crossover` is not a probability.
    """

    def __init__(self, space: Space, crossover: float, seed: int) -> None:
        if not 0 <= crossover <= 1:
            raise ValueError(f"crossover must be between 0 and 1, got {crossover}")
        self._space, self._crossover = space, crossover
        self._random = np.random.default_rng(seed)
        self._changeable = {d.name for d in space.dimensions if len(set(d.probes)) > 1}
        self._proposed: set[tuple[tuple[str, Any], ...]] = set()
        self._next_number = 0
        self._pending: list[int] = []

    def __call__(
        self,
        study: Study,
        search_space: Mapping[str, BaseDistribution],
        parents: Sequence[FrozenTrial],
    ) -> Values:
        """Generate a child; a duplicate only if no new one is drawn in 200 tries."""
        self._add_proposed(study.get_trials(deepcopy=False))
        for _ in range(_MAX_TRIES):
            child = self._change(self._mix(parents))
            if self._key(child) not in self._proposed:
                break
        return {name: child[name] for name in search_space}

    def _add_proposed(self, trials: Sequence[FrozenTrial]) -> None:
        """Remember new trials; queued ones stay pending, without parameters until they start."""
        numbers = [*self._pending, *range(self._next_number, len(trials))]
        self._next_number, self._pending = len(trials), []
        for number in numbers:
            values = trials[number].params
            if len(values) < len(self._space.dimensions):
                self._pending.append(number)
            else:
                self._proposed.add(self._key(values))

    def _key(self, values: Values) -> tuple[tuple[str, Any], ...]:
        return tuple(self._space.active(values).items())

    def _mix(self, parents: Sequence[FrozenTrial]) -> Values:
        first, second = (parents[int(self._random.integers(len(parents)))].params for _ in range(2))
        if self._random.random() >= self._crossover:
            return dict(first)
        return {name: (first, second)[self._random.integers(2)][name] for name in first}

    def _change(self, values: Values) -> Values:
        """Change one active dimension that has another value."""
        changeable = [name for name in self._space.active(values) if name in self._changeable]
        if not changeable:
            return values
        name = changeable[self._random.integers(len(changeable))]
        dimension = self._space.structure.dimensions[name]
        while (value := dimension.sample(self._random)) == values[name]:
            pass
        return {**values, name: value}
