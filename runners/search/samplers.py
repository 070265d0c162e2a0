"""Optuna's samplers by name, and the dimensions of a space as Optuna's distributions."""

from __future__ import annotations

import difflib
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

from runners.errors import UserError
from search_space import Choice, Real, Space, Whole


class _Grid(samplers.GridSampler):
    """Outside of `Study.optimize` there is nothing to stop: the search sees that nothing is new."""

    def after_trial(self, *told: Any) -> None:
        """Not the parent's, which calls `Study.stop`."""


@dataclass(frozen=True)
class _Kind:
    """How a sampler is made: of its options (ours to Optuna's), a seed, and the distributions."""

    make: Callable[..., BaseSampler]
    options: Mapping[str, str] = field(default_factory=dict)
    usual: Mapping[str, Any] = field(default_factory=dict)


_POPULATION = {"population": "population_size"}
_KINDS = {
    "random": _Kind(samplers.RandomSampler),
    "qmc": _Kind(
        samplers.QMCSampler, {"scramble": "scramble"}, {"warn_independent_sampling": False}
    ),
    "tpe": _Kind(
        samplers.TPESampler,
        {
            "startup": "n_startup_trials",
            "candidates": "n_ei_candidates",
            "multivariate": "multivariate",
        },
        {"constant_liar": True},
    ),
    "nsga2": _Kind(samplers.NSGAIISampler, _POPULATION | {"mutation": "mutation_prob"}),
    "nsga3": _Kind(samplers.NSGAIIISampler, _POPULATION | {"mutation": "mutation_prob"}),
    "gp": _Kind(samplers.GPSampler, {"startup": "n_startup_trials"}),
    "grid": _Kind(_Grid),
}
NAMES = tuple(_KINDS)
OPTIONS = {name: tuple(kind.options) for name, kind in _KINDS.items()}


def check(name: str, options: Mapping[str, Any]) -> None:
    """Raise UserError for a sampler, or an option of one, that does not exist."""
    if name not in _KINDS:
        near = difflib.get_close_matches(name, NAMES, n=1)
        hint = f"did you mean {near[0]!r}? " if near else ""
        raise UserError(f"unknown sampler {name!r}; {hint}known: {', '.join(NAMES)}")
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
    if name == "grid":
        given["search_space"] = _lists(space)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ExperimentalWarning)
            return kind.make(seed=seed, **kind.usual, **given)
    except (ValueError, TypeError) as error:
        raise UserError(f"sampler {name!r}: {error}") from error


def distributions(space: Space) -> dict[str, BaseDistribution]:
    """All dimensions, whether they exist or not for a choice: samplers want a fixed space."""
    found: dict[str, BaseDistribution] = {}
    for dimension in space.dimensions:
        if isinstance(dimension, Choice):
            found[dimension.name] = CategoricalDistribution(dimension.choices)
        elif isinstance(dimension, Whole):
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
