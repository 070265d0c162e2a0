"""What a sweep would search: dimensions, size, feasible share, examples, and how long it takes."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from pathlib import Path
from typing import Any

from rich.table import Table

from lolvit.analytic import analytic
from runners.records.errors import DataError
from runners.search.config import SweepConfig, read
from runners.search.limits import costs_of
from runners.search.prepare import prepare
from search_space import (
    PRESETS,
    Choice,
    Dimension,
    Feasibility,
    Real,
    Space,
    Value,
    Values,
    load,
    survey,
)
from search_space.feasibility import require_feasible
from search_space.yaml_file import read_yaml

_EXAMPLES = 3
_LISTED = 12


def describe(source: str, draws: int, seed: int, *, timed: bool) -> Iterator[Any]:
    """Parts to print, one after another; the slow one, timing, comes last.

    Args:
        source: a sweep or space in YAML, or a preset's name.
        draws: how many architectures to try for shares.
        seed: of the draws.
        timed: whether a sweep that trains is timed for a few steps.

    Raises:
        UserError: the sweep cannot be.
        SpaceError: the space cannot be, or nothing of it is feasible.
    """
    config = _sweep(source)
    prepared, missing = None, ""
    if config is not None:
        try:
            prepared = prepare(config, Path())
        except DataError as error:  # the space can be looked at without images
            missing = str(error)
    space = prepared.space if prepared is not None else load(source)
    yield _dimensions(space)
    found = survey(space, costs_of, draws, seed)
    yield _size(space, found)
    require_feasible(found)
    for number, values in enumerate(found.examples[:_EXAMPLES], 1):
        yield _example(number, space, values)
    if missing:
        yield f"no estimate: {missing}"
    if config is not None and prepared is not None and timed:
        from runners.jobs.estimate import estimate

        examples = [space.architecture(values) for values in found.examples[:_EXAMPLES]]
        yield estimate(config, prepared, examples)


def _sweep(source: str) -> SweepConfig | None:
    """The sweep in a file; None for a space alone."""
    if source in PRESETS:
        return None
    data = read_yaml(Path(source)) if Path(source).exists() else None
    return read(Path(source)) if isinstance(data, dict) and "objectives" in data else None


def _dimensions(space: Space) -> Table:
    table = Table("dimension", "values", "exists", box=None, pad_edge=False)
    for each in space.dimensions:
        table.add_row(each.name, _domain(each), _condition(space, each))
    return table


def _domain(dimension: Dimension) -> str:
    values = dimension.values
    if isinstance(dimension, Choice) or (values is not None and len(values) <= _LISTED):
        assert values is not None
        return ", ".join(map(str, values))
    told = dimension.to_spec()
    steps = f" in steps of {told['step']}" if told.get("step") else ""
    scale = ", log scale" if told.get("log") else ""
    kind = "" if isinstance(dimension, Real) or steps else " (whole)"
    return f"{told['low']} to {told['high']}{steps}{scale}{kind}"


def _condition(space: Space, dimension: Dimension) -> str:
    said = [f"{name} in {', '.join(map(str, each))}" for name, each in dimension.when.items()]
    slot = space.structure.slots[dimension.name]
    if slot.option:
        said.insert(0, f"where the mixer is {slot.word}")
    elif slot.hosted:
        said.insert(0, "where there are fusion blocks")
    return " and ".join(said) or "always"


def _size(space: Space, found: Feasibility) -> str:
    size = space.size()
    many = "infinitely many" if size == inf else f"{size:,}"
    said = [f"\n{many} architectures"]
    if any(each.is_analytic for each in space.constraints):
        kind = "all" if found.draws == size else f"{found.draws:,} drawn at random"
        said.append(f"{found.feasible_share:.1%} feasible ({kind})")
        known = [str(each) for each in space.constraints if each.is_analytic]
        said += [f"{text} excludes {found.excluded[text]:.1%}" for text in known]
    measured = [str(each) for each in space.constraints if not each.is_analytic]
    if measured:
        said.append(f"{' and '.join(measured)}: measured in each trial, before any training")
    return "; ".join(said)


def _example(number: int, space: Space, values: Values) -> str:
    found = analytic(space.architecture(values))
    told = ", ".join(f"{name}={_short(each)}" for name, each in space.active(values).items())
    costs = f"{found.macs / 1e6:.2f} M MACs, {found.params / 1e6:.3f} M params"
    return f"example {number}: {costs}: {told}"


def _short(value: Value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
