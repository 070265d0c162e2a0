"""Estimate which share of a space meets its constraints, before anything is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from lolvit.config import LolvitConfig
from search_space.constraint import Constraint
from search_space.dimension import Values
from search_space.errors import SpaceError
from search_space.space import Space

CostFunction = Callable[[LolvitConfig], Mapping[str, float]]
_MAX_EXAMPLES = 5


@dataclass(frozen=True)
class Feasibility:
    """Result of a survey.

    Args:
        draws: number of values tried.
        distinct: number of different architectures among them.
        feasible_share: share of draws that meets every constraint, 0 to 1.
        excluded: share of draws that violates a constraint, by the constraint's text.
        examples: a few values that meet every constraint, of different architectures.
        nearest: the cost with the least excess, by the constraint's text.
    """

    draws: int
    distinct: int
    feasible_share: float
    excluded: dict[str, float]
    examples: tuple[Values, ...]
    nearest: dict[str, float] = field(default_factory=dict)


def survey(space: Space, costs: CostFunction, draws: int = 1000, seed: int = 0) -> Feasibility:
    """Check the constraints on random values, or on all values if there are at most `draws`.

    Args:
        space: the space to survey.
        costs: returns an architecture's costs by quantity; other constraints are ignored.
        draws: number of values to try, at least 1.
        seed: of the random values.

    Raises:
        SpaceError: no draws.
    """
    if draws < 1:
        raise SpaceError(f"a survey needs at least 1 draw, got {draws}")
    costs_by_hash: dict[str, Mapping[str, float]] = {}
    violations = dict.fromkeys(space.constraints, 0)
    best: dict[Constraint, tuple[float, float]] = {}
    examples: list[Values] = []
    feasible = 0
    points = list(_draw(space, draws, seed))
    for values in points:
        architecture = space.architecture(values)
        if is_new := architecture.hash not in costs_by_hash:
            costs_by_hash[architecture.hash] = costs(architecture)
        excesses = _excesses(space.constraints, costs_by_hash[architecture.hash])
        for constraint, (excess, cost) in excesses.items():
            best[constraint] = min(best.get(constraint, (excess, cost)), (excess, cost))
            violations[constraint] += excess > 0
        is_feasible = all(excess <= 0 for excess, _ in excesses.values())
        feasible += is_feasible
        if is_feasible and is_new and len(examples) < _MAX_EXAMPLES:
            examples.append(values)
    return Feasibility(
        len(points),
        len(costs_by_hash),
        feasible / len(points),
        {str(constraint): count / len(points) for constraint, count in violations.items()},
        tuple(examples),
        {str(constraint): cost for constraint, (_, cost) in best.items()},
    )


def require_feasible(feasibility: Feasibility) -> None:
    """Raise SpaceError if no draw meets the constraints, naming the one that excludes most."""
    if feasibility.feasible_share > 0:
        return
    worst = max(feasibility.excluded, key=lambda text: feasibility.excluded[text])
    raise SpaceError(
        f"none of {feasibility.draws} draws from the space meets all constraints; "
        f"'{worst}' excludes most, {feasibility.excluded[worst]:.0%}: "
        f"the nearest architecture has {feasibility.nearest[worst]:.4g}"
    )


def _excesses(
    constraints: tuple[Constraint, ...], costs: Mapping[str, float]
) -> dict[Constraint, tuple[float, float]]:
    """Return (excess, cost) of each constraint whose quantity is among the costs."""
    values = {c: costs[c.quantity] for c in constraints if c.quantity in costs}
    return {constraint: (constraint.excess(cost), cost) for constraint, cost in values.items()}


def _draw(space: Space, draws: int, seed: int) -> Iterator[Values]:
    if space.size() <= draws:
        yield from space.grid()
        return
    import numpy as np  # imported late: command-line errors do not need it

    rng = np.random.default_rng(seed)
    for _ in range(draws):
        yield space.sample(rng)
