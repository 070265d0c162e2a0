"""Describe what a sweep would search: dimensions, size, feasible share, examples, duration."""

from __future__ import annotations

from collections.abc import Iterator
from math import inf
from pathlib import Path
from typing import Any

from rich.table import Table

from lolvit.analytic import analytic_costs
from runners.evaluators.prepare import prepare
from runners.records.errors import DataError
from runners.search.config import SweepConfig, read_sweep
from runners.search.limits import costs_from_formula
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
    require_feasible,
    survey,
)
from search_space.yaml_file import read_yaml

_EXAMPLES = 3
_MAX_LISTED = 12


def describe(source: str, draws: int, seed: int, *, timed: bool) -> Iterator[Any]:
    """Yield the parts to print; the slow one comes last: `timed` training steps of a sweep.

    The source is a sweep or a space in YAML, or the name of a preset.

    Raises:
        UserError: an invalid sweep.
        SpaceError: an invalid space, or one without a feasible architecture.
    """
    config = _read_sweep(source)
    prepared, data_problem = None, ""
    if config is not None:
        try:
            prepared = prepare(config, Path())
        except DataError as error:  # the space can be described without the images
            data_problem = str(error)
    space = prepared.space if prepared is not None else load(source)
    yield _dimension_table(space)
    feasibility = survey(space, costs_from_formula, draws, seed)
    yield _size(space, feasibility)
    require_feasible(feasibility)
    examples = feasibility.examples[:_EXAMPLES]
    for number, values in enumerate(examples, 1):
        yield _example(number, space, values)
    if data_problem:
        yield f"the duration cannot be estimated: {data_problem}"
    if config is not None and prepared is not None and timed:
        from runners.jobs.estimate import estimate

        yield estimate(config, prepared, [space.architecture(values) for values in examples])


def _read_sweep(source: str) -> SweepConfig | None:
    """Read the sweep in a file; None if the source is only a space."""
    path = Path(source)
    if source in PRESETS or not path.exists():
        return None
    data = read_yaml(path)
    return read_sweep(path) if isinstance(data, dict) and "objectives" in data else None


def _dimension_table(space: Space) -> Table:
    table = Table("dimension", "values", "active", box=None, pad_edge=False)
    for dimension in space.dimensions:
        table.add_row(dimension.name, _domain(dimension), _condition(space, dimension))
    return table


def _domain(dimension: Dimension) -> str:
    values = dimension.values
    if isinstance(dimension, Choice) or (values is not None and len(values) <= _MAX_LISTED):
        assert values is not None
        return ", ".join(map(str, values))
    spec = dimension.to_spec()
    steps = f" in steps of {spec['step']}" if spec.get("step") else ""
    scale = ", log scale" if spec.get("log") else ""
    kind = "" if isinstance(dimension, Real) or steps else " (whole numbers)"
    return f"{spec['low']} to {spec['high']}{steps}{scale}{kind}"


def _condition(space: Space, dimension: Dimension) -> str:
    conditions = [
        f"if {name} is one of {', '.join(map(str, values))}"
        for name, values in dimension.when.items()
    ]
    slot = space.structure.slots[dimension.name]
    if slot.option:
        conditions.insert(0, f"if the mixer is {slot.prefix}")
    elif slot.needs_blocks:
        conditions.insert(0, "if there are fusion blocks")
    return " and ".join(conditions) or "always"


def _size(space: Space, feasibility: Feasibility) -> str:
    size = space.size()
    count = "infinitely many" if size == inf else f"{size:,}"
    parts = [f"\n{count} architectures"]
    analytic_constraints = [str(c) for c in space.constraints if c.is_analytic]
    if analytic_constraints:
        draws = f"{feasibility.draws:,} random draws"
        sample = "all architectures" if feasibility.draws == size else draws
        parts.append(f"{feasibility.feasible_share:.1%} feasible, of {sample}")
        parts += [f"{c} excludes {feasibility.excluded[c]:.1%}" for c in analytic_constraints]
    measured = [str(c) for c in space.constraints if not c.is_analytic]
    if measured:
        parts.append(f"{' and '.join(measured)}: measured in each trial, before any training")
    return "; ".join(parts)


def _example(number: int, space: Space, values: Values) -> str:
    costs = analytic_costs(space.architecture(values))
    settings = ", ".join(f"{name}={_text(value)}" for name, value in space.active(values).items())
    return (
        f"example {number}: {costs.macs / 1e6:.2f} M MACs, {costs.params / 1e6:.3f} M parameters: "
        f"{settings}"
    )


def _text(value: Value) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
