"""Optuna's samplers by name, and the dimensions of a space as Optuna's distributions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from optuna import samplers
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.samplers import BaseSampler

from attention_zoo import unknown_name
from runners.records.errors import UserError
from runners.search.mutation import Children
from search_space import Choice, Integer, Real, Space


class _Grid(samplers.GridSampler):
    """Outside of `Study.optimize` there is nothing to stop: the search sees that nothing is new."""

    def after_trial(self, *told: Any) -> None:
        """Not the parent's, which calls `Study.stop`."""


@dataclass(frozen=True)
class _Kind:
    """How a sampler is made: of the space, a seed, and its options (ours to Optuna's)."""

    make: Callable[..., BaseSampler]
    options: Mapping[str, str] = field(default_factory=dict)


def _plain(kind: Callable[..., BaseSampler], **usual: Any) -> Callable[..., BaseSampler]:
    """A sampler that need not know the space."""
    return lambda space, seed, **given: kind(seed=seed, **usual, **given)


def _genetic(kind: Callable[..., BaseSampler]) -> Callable[..., BaseSampler]:
    """Optuna's selection with our children; its population of 50 is large for a few 100 trials."""

    def make(
        space: Space, seed: int, population_size: int = 20, crossover: float = 0.25
    ) -> BaseSampler:
        children = Children(space, crossover, seed)
        return kind(seed=seed, population_size=population_size, child_generation_strategy=children)

    return make


def _grid(space: Space, seed: int) -> BaseSampler:
    return _Grid(_lists(space), seed=seed)


_GENETIC = {"population": "population_size", "crossover": "crossover"}
_KINDS = {
    "random": _Kind(_plain(samplers.RandomSampler)),
    "qmc": _Kind(
        _plain(samplers.QMCSampler, warn_independent_sampling=False), {"scramble": "scramble"}
    ),
    "tpe": _Kind(
        _plain(samplers.TPESampler, constant_liar=True, multivariate=True),
        {
            "startup": "n_startup_trials",
            "candidates": "n_ei_candidates",
            "multivariate": "multivariate",
        },
    ),
    "nsga2": _Kind(_genetic(samplers.NSGAIISampler), _GENETIC),
    "nsga3": _Kind(_genetic(samplers.NSGAIIISampler), _GENETIC),
    "gp": _Kind(_plain(samplers.GPSampler), {"startup": "n_startup_trials"}),
    "grid": _Kind(_grid),
}
NAMES = tuple(_KINDS)
OPTIONS = {name: tuple(kind.options) for name, kind in _KINDS.items()}


def check(name: str, options: Mapping[str, Any]) -> None:
    """Raise UserError for a sampler, or an option of one, that does not exist."""
    if name not in _KINDS:
        raise UserError(unknown_name("sampler", name, NAMES))
    for option in options:
        if option not in OPTIONS[name]:
            known = ", ".join(OPTIONS[name]) or "none"
            raise UserError(f"sampler {name!r} has no option {option!r}; it has: {known}")


def sampler(name: str, options: Mapping[str, Any], seed: int, space: Space) -> BaseSampler:
    """A sampler of Optuna.

    Raises:
        UserError: unknown name or option, a value that Optuna refuses, a grid without end.
    """
    import warnings

    from optuna.exceptions import ExperimentalWarning

    check(name, options)
    kind = _KINDS[name]
    given = {kind.options[option]: value for option, value in options.items()}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return kind.make(space, seed, **given)
    except (ValueError, TypeError) as error:
        raise UserError(f"sampler {name!r}: {error}") from error


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """All dimensions, whether they exist or not for a choice: samplers want a fixed space."""
    found: dict[str, BaseDistribution] = {}
    for dimension in space.dimensions:
        if isinstance(dimension, Choice):
            found[dimension.name] = CategoricalDistribution(dimension.choices)
        elif isinstance(dimension, Integer):
            found[dimension.name] = IntDistribution(
                dimension.low, dimension.values[-1], dimension.log, dimension.step
            )
        elif isinstance(dimension, Real):
            values = dimension.values
            high = dimension.high if values is None else values[-1]
            found[dimension.name] = FloatDistribution(
                dimension.low, high, dimension.log, dimension.step
            )
    return found


def _lists(space: Space) -> dict[str, list[Any]]:
    endless = [dimension.name for dimension in space.dimensions if dimension.values is None]
    if endless:
        raise UserError(f"sampler 'grid': dimension {endless[0]!r} needs a step")
    return {dimension.name: list(dimension.values or ()) for dimension in space.dimensions}
