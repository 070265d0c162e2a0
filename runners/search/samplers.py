"""Optuna's samplers by name, and a space's dimensions as Optuna's distributions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
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
from runners.search.mutation import NewChildStrategy
from search_space import Choice, Integer, Real, Space


class _GridSampler(samplers.GridSampler):
    """A grid that does not stop the study: the search notices that all proposals are duplicates."""

    def after_trial(self, *arguments: Any) -> None:
        """Do nothing: `Study.stop`, which the parent calls, works in `Study.optimize` only."""


@dataclass(frozen=True)
class _Option:
    """An option of a sampler: Optuna's name for it, its type, and the values it may have."""

    parameter: str
    type: type
    low: float = 0
    high: float = 100_000

    def check(self, value: Any) -> str:
        """What is wrong with a value; "" for a good one."""
        allowed = (int, float) if self.type is float else (self.type,)
        if type(value) not in allowed:
            return f"must be {_TYPE_NAMES[self.type]}"
        if self.type is not bool and not self.low <= value <= self.high:
            return f"must be from {self.low:g} to {self.high:g}"
        return ""


_TYPE_NAMES = {int: "a whole number", float: "a number", bool: "true or false"}


@dataclass(frozen=True)
class _SamplerSpec:
    """How to make a sampler from a space and a seed, and its options."""

    make: Callable[..., BaseSampler]
    options: Mapping[str, _Option] = field(default_factory=dict)


def _without_space(cls: Callable[..., BaseSampler], **defaults: Any) -> Callable[..., BaseSampler]:
    """Make a sampler that does not depend on the space."""
    return lambda space, seed, **options: cls(seed=seed, **defaults, **options)


def _genetic(cls: Callable[..., BaseSampler]) -> Callable[..., BaseSampler]:
    """Combine Optuna's selection with `NewChildStrategy`.

    The default population is 20, since Optuna's 50 is large for a few hundred trials.
    """

    def make(
        space: Space, seed: int, population_size: int = 20, crossover: float = 0.25
    ) -> BaseSampler:
        strategy = NewChildStrategy(space, crossover, seed)
        return cls(seed=seed, population_size=population_size, child_generation_strategy=strategy)

    return make


def _grid(space: Space, seed: int) -> BaseSampler:
    unbounded = [dimension.name for dimension in space.dimensions if dimension.values is None]
    if unbounded:
        raise UserError(
            f"sampler 'grid' needs a step for each continuous dimension; {unbounded[0]!r} has none"
        )
    values = {dimension.name: list(dimension.values or ()) for dimension in space.dimensions}
    return _GridSampler(values, seed=seed)


_STARTUP = _Option("n_startup_trials", int)
_GENETIC = {
    "population": _Option("population_size", int, low=2),
    "crossover": _Option("crossover", float, high=1),
}
_SPECS = {
    "random": _SamplerSpec(_without_space(samplers.RandomSampler)),
    "qmc": _SamplerSpec(
        _without_space(samplers.QMCSampler, warn_independent_sampling=False),
        {"scramble": _Option("scramble", bool)},
    ),
    "tpe": _SamplerSpec(
        _without_space(samplers.TPESampler, constant_liar=True, multivariate=True),
        {
            "startup": _STARTUP,
            "candidates": _Option("n_ei_candidates", int, low=1),
            "multivariate": _Option("multivariate", bool),
        },
    ),
    "nsga2": _SamplerSpec(_genetic(samplers.NSGAIISampler), _GENETIC),
    "nsga3": _SamplerSpec(_genetic(samplers.NSGAIIISampler), _GENETIC),
    "gp": _SamplerSpec(_without_space(samplers.GPSampler), {"startup": replace(_STARTUP, low=1)}),
    "grid": _SamplerSpec(_grid),
}
NAMES = tuple(_SPECS)


def check_sampler(name: str, options: Mapping[str, Any]) -> None:
    """Raise UserError if a sampler, or one of its options, does not exist or has a bad value."""
    if name not in _SPECS:
        raise UserError(unknown_name("sampler", name, NAMES))
    for option, value in options.items():
        if option not in _SPECS[name].options:
            available = ", ".join(_SPECS[name].options) or "none"
            raise UserError(f"sampler {name!r} has no option {option!r}; available: {available}")
        if problem := _SPECS[name].options[option].check(value):
            raise UserError(f"sampler {name!r}: option {option!r} {problem}, got {value!r}")


def make_sampler(name: str, options: Mapping[str, Any], seed: int, space: Space) -> BaseSampler:
    """Make a sampler of Optuna.

    Raises:
        UserError: the name or an option is unknown, Optuna refuses a value, or a dimension of a
            grid is continuous.
    """
    import warnings

    from optuna.exceptions import ExperimentalWarning

    check_sampler(name, options)
    spec = _SPECS[name]
    keywords = {spec.options[option].parameter: value for option, value in options.items()}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return spec.make(space, seed, **keywords)
    except (ValueError, TypeError) as error:
        raise UserError(f"sampler {name!r}: {error}") from error


def make_distributions(space: Space) -> dict[str, BaseDistribution]:
    """Distributions of all dimensions, also conditional ones: samplers need a fixed space."""
    distributions: dict[str, BaseDistribution] = {}
    for dimension in space.dimensions:
        if isinstance(dimension, Choice):
            distributions[dimension.name] = CategoricalDistribution(dimension.choices)
        elif isinstance(dimension, Integer):
            distributions[dimension.name] = IntDistribution(
                dimension.low, dimension.values[-1], dimension.log, dimension.step
            )
        elif isinstance(dimension, Real):
            values = dimension.values
            high = dimension.high if values is None else values[-1]
            distributions[dimension.name] = FloatDistribution(
                dimension.low, high, dimension.log, dimension.step
            )
    return distributions
