"""Children for genetic samplers: near their parents, and none that was proposed before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from optuna import Study
from optuna.distributions import BaseDistribution
from optuna.trial import FrozenTrial

from search_space import Space, Values

_TRIES = 200


class Children:
    """The child generation of NSGA-II and NSGA-III for spaces in which an evaluation is dear.

    A child takes its values from one parent, or with some probability each from one of two, and
    changes one dimension. Optuna's own children change no dimension as often as one, so that in
    a space of few values most are architectures that are known; and pure crossover stops at what
    the first generation held. One change at a time is what local search does, the strongest simple
    searcher on tabulated benchmarks (White et al., arXiv 2005.02960).

    Args:
        space: tells which values matter, and which sets of values mean the same architecture.
        crossover: probability of a second parent, 0 to 1.
        seed: of the draws.

    Raises:
        ValueError: `crossover` is no probability.
    """

    def __init__(self, space: Space, crossover: float, seed: int) -> None:
        if not 0 <= crossover <= 1:
            raise ValueError(f"crossover must be between 0 and 1, got {crossover}")
        self._space, self._crossover = space, crossover
        self._random = np.random.default_rng(seed)
        self._changeable = {each.name for each in space.dimensions if len(set(each.probes)) > 1}
        self._known: set[tuple[tuple[str, Any], ...]] = set()
        self._read = 0
        self._unread: list[int] = []

    def __call__(
        self,
        study: Study,
        search_space: Mapping[str, BaseDistribution],
        parents: Sequence[FrozenTrial],
    ) -> Values:
        """Values of a child; the last one tried where all near ones are known."""
        self._learn(study.get_trials(deepcopy=False))
        for _ in range(_TRIES):
            child = self._change(self._mix(parents))
            if self._key(child) not in self._known:
                break
        return {name: child[name] for name in search_space}

    def _learn(self, trials: Sequence[FrozenTrial]) -> None:
        """Remember what was proposed, by anyone; queued trials have no values before their turn."""
        numbers = [*self._unread, *range(self._read, len(trials))]
        self._read, self._unread = len(trials), []
        for number in numbers:
            values = trials[number].params
            if len(values) < len(self._space.dimensions):
                self._unread.append(number)
            else:
                self._known.add(self._key(values))

    def _key(self, values: Values) -> tuple[tuple[str, Any], ...]:
        return tuple(self._space.active(values).items())

    def _mix(self, parents: Sequence[FrozenTrial]) -> Values:
        one, other = (parents[int(self._random.integers(len(parents)))].params for _ in range(2))
        if self._random.random() >= self._crossover:
            return dict(one)
        return {name: (one, other)[self._random.integers(2)][name] for name in one}

    def _change(self, values: Values) -> Values:
        """The same values but for one dimension among those that matter."""
        exist = [name for name in self._space.active(values) if name in self._changeable]
        if not exist:
            return values
        name = exist[self._random.integers(len(exist))]
        dimension = self._space.structure.dimensions[name]
        while (value := dimension.sample(self._random)) == values[name]:
            pass
        return {**values, name: value}
