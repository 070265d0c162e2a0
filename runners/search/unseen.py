"""Which architectures of a finite space are left to evaluate."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property

import numpy as np

from runners.search.history import History
from search_space import Space, Values

_MOST_LISTED = 5_000
"""Larger spaces are not listed: that takes seconds, and samplers seldom repeat themselves there."""


class UnseenArchitectures:
    """The architectures of a space that are not in a history.

    A space of at most 5,000 combinations is listed when a sampler first repeats itself; of a larger
    one nothing is known but its size.
    """

    def __init__(self, space: Space, seen: History) -> None:
        self._space, self._seen = space, seen
        self._size = space.size()
        self._is_listed = False

    def all_are_seen(self) -> bool:
        """Whether nothing is known to be left."""
        if len(self._seen) >= self._size:
            return True
        return self._is_listed and all(key in self._seen for key in self._values)

    def draw(self, rng: np.random.Generator, running: Iterable[str]) -> Values | None:
        """Values of one that is neither seen nor running, at random; None if there are none.

        From a space that is not listed any values are drawn.
        """
        if self._size > _MOST_LISTED:
            return self._space.sample(rng)
        self._is_listed = True
        excluded = set(running)
        left = [
            values
            for key, values in self._values.items()
            if key not in self._seen and key not in excluded
        ]
        return left[int(rng.integers(len(left)))] if left else None

    @property
    def is_finite(self) -> bool:
        """Whether the space is small enough to be listed."""
        return self._size <= _MOST_LISTED

    @cached_property
    def _values(self) -> dict[str, Values]:
        return {self._space.architecture(values).hash: values for values in self._space.grid()}
