"""Which share of a space meets its constraints, found out before anything is trained."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from lolvit.config import LolvitConfig
from search_space.constraint import Constraint
from search_space.dimension import Values
from search_space.errors import SpaceError
from search_space.space import Space

Costs = Callable[[LolvitConfig], Mapping[str, float]]
_EXAMPLES = 5


@dataclass(frozen=True)
class Feasibility:
    """What a survey of a space found.

    Args:
        draws: how many values were tried.
        distinct: how many different architectures they gave.
        feasible_share: share of draws that meets every constraint, 0 to 1.
        excluded: per constraint, as text, the share of draws that violates it.
        examples: a few values that meet every constraint, of different architectures.
        nearest: per constraint the cost that came nearest to its bound, or kept it best.
    """

    draws: int
    distinct: int
    feasible_share: float
    excluded: dict[str, float]
    examples: tuple[Values, ...]
    nearest: dict[str, float] = field(default_factory=dict)


def survey(space: Space, costs: Costs, draws: int = 1000, seed: int = 0) -> Feasibility:
    """Try the constraints on random values; on all of them where the space has no more than draws.

    Args:
        space: what to survey.
        costs: the costs of an architecture by quantity; constraints on others are passed over.
        draws: how many values to try, at least 1.
        seed: of the random values.

    Raises:
        SpaceError: nothing to draw.
    """
    if draws < 1:
        raise SpaceError(f"a survey needs at least 1 draw, got {draws}")
    seen: dict[str, Mapping[str, float]] = {}
    violated = dict.fromkeys(space.constraints, 0)
    best: dict[Constraint, tuple[float, float]] = {}
    examples: list[Values] = []
    feasible = 0
    tried = list(_drawn(space, draws, seed))
    for values in tried:
        architecture = space.architecture(values)
        if new := architecture.hash not in seen:
            seen[architecture.hash] = costs(architecture)
        excesses = _excesses(space.constraints, seen[architecture.hash])
        for constraint, (excess, value) in excesses.items():
            best[constraint] = min(best.get(constraint, (excess, value)), (excess, value))
            violated[constraint] += excess > 0
        met = all(excess <= 0 for excess, _ in excesses.values())
        feasible += met
        if met and new and len(examples) < _EXAMPLES:
            examples.append(values)
    return Feasibility(
        len(tried),
        len(seen),
        feasible / len(tried),
        {str(constraint): count / len(tried) for constraint, count in violated.items()},
        tuple(examples),
        {str(constraint): value for constraint, (_, value) in best.items()},
    )


def _excesses(
    constraints: tuple[Constraint, ...], costs: Mapping[str, float]
) -> dict[Constraint, tuple[float, float]]:
    """Per constraint whose quantity is known, by how much it is violated, and the cost."""
    known = {c: costs[c.quantity] for c in constraints if c.quantity in costs}
    return {constraint: (constraint.excess(cost), cost) for constraint, cost in known.items()}


def require_feasible(feasibility: Feasibility) -> None:
    """Raise SpaceError where nothing met the constraints, saying which one excludes most."""
    if feasibility.feasible_share > 0:
        return
    worst = max(feasibility.excluded, key=lambda text: feasibility.excluded[text])
    raise SpaceError(
        f"none of {feasibility.draws} draws from the space meets all constraints; "
        f"'{worst}' excludes most, {feasibility.excluded[worst]:.0%}: "
        f"the best of them has {feasibility.nearest[worst]:.4g}"
    )


def _drawn(space: Space, draws: int, seed: int) -> Iterator[Values]:
    if space.size() <= draws:
        yield from space.grid()
        return
    import numpy as np  # not needed to say what is wrong with a command line

    rng = np.random.default_rng(seed)
    for _ in range(draws):
        yield space.sample(rng)
