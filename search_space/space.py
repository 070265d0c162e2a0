"""A search space: which architectures exist, as one flat set of typed dimensions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from attention_zoo import did_you_mean
from lolvit.config import LolvitConfig
from lolvit.fields import ArchitectureError
from lolvit.variants import strides_for
from search_space import constraint, count
from search_space.check import check_dimensions
from search_space.constraint import Constraint, check_together
from search_space.dimension import Dimension, Value, Values
from search_space.errors import SpaceError, one_line
from search_space.locate import locate
from search_space.setting import Setting, settle
from search_space.structure import Structure

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Space:
    """A base architecture, what may differ from it, and bounds on its costs.

    Every dimension always has a value, so that samplers see a fixed space. Those that do not exist
    for the values of the others (the mixer of a stage without fusion blocks) change nothing.

    Args:
        base: what holds wherever no dimension says otherwise.
        dimensions: what is searched; a dimension for one stage wins over that for all stages.
        constraints: bounds on costs, kept for who evaluates: a space computes no costs.
        fixed_strides: whether the base's strides hold for images of any size. Otherwise they follow
            the resolution. Strides that are not those of the base's resolution are always fixed.

    Raises:
        SpaceError: anything that cannot be; the message is one line.
    """

    base: LolvitConfig
    dimensions: tuple[Dimension, ...]
    constraints: tuple[Constraint, ...] = ()
    fixed_strides: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.base, LolvitConfig):
            raise SpaceError(f"the base must be a LolvitConfig, got {self.base!r}")
        fixed = self.fixed_strides or self.base.strides != strides_for(self.base.resolution)
        told = {
            "base": self.base,
            "dimensions": tuple(self.dimensions),
            "constraints": tuple(map(_constraint, self.constraints)),
            "fixed_strides": fixed,
        }
        for name, value in told.items():
            object.__setattr__(self, name, value)
        check_dimensions(self.base, self.dimensions, fixed_strides=self.fixed_strides)
        check_together(self.constraints)

    @cached_property
    def structure(self) -> Structure:
        """Which dimensions exist for which values of others."""
        return Structure(self.base, self.dimensions)

    @cached_property
    def default(self) -> Values:
        """What the base has; the first value of a dimension that has no such value."""
        return {
            name: _first(dimension, self.structure.slots[name].read(self.base, stage))
            for name, dimension in self.structure.dimensions.items()
            for stage in self.structure.stages[name][:1]
        }

    def active(self, values: Mapping[str, Value]) -> Values:
        """The values of the dimensions that exist; of values that do the same, the first.

        Raises:
            SpaceError: a dimension without a value, an unknown one, a value that it has not.
        """
        chosen: Values = {}
        known = self._checked(values)
        for name in self.structure.order:
            if self.structure.exists(name, chosen):
                alike = self.structure.find(name, known[name], chosen)
                chosen[name] = known[name] if alike is None else alike
        return chosen

    def architecture(self, values: Mapping[str, Value]) -> LolvitConfig:
        """The architecture that has these values; raises SpaceError as `active` does."""
        chosen = self.active(values)
        slots, stages = self.structure.slots, self.structure.live_stages
        settings = [Setting(slots[n], stages(n, chosen), value) for n, value in chosen.items()]
        return settle(self.base, settings, fixed_strides=self.fixed_strides)

    def size(self) -> int | float:
        """How many combinations of existing dimensions there are; `math.inf` with a real one."""
        return count.size(self.structure)

    def sample(self, rng: np.random.Generator) -> Values:
        """A value for every dimension, each drawn evenly."""
        return {dimension.name: dimension.sample(rng) for dimension in self.dimensions}

    def grid(self) -> Iterator[Values]:
        """Values of every distinct combination, one at a time, always in the same order.

        Raises:
            SpaceError: a real dimension without step.
        """
        for dimension in self.dimensions:
            if dimension.values is None:
                raise SpaceError(f"dimension {dimension.name!r} needs a step for a grid")
        return ({**self.default, **chosen} for chosen in self.structure.grid())

    def locate(self, architecture: LolvitConfig) -> Values:
        """The values that give this architecture, at the image size of the space.

        Raises:
            SpaceError: names the first field that the space cannot express.
        """
        return locate(self, architecture)

    def for_images(self, in_channels: int, num_classes: int, resolution: int) -> Space:
        """The same space for images of this kind.

        Raises:
            SpaceError: images too small for the strides.
        """
        strides = self.base.strides if self.fixed_strides else strides_for(resolution)
        try:
            base = replace(
                self.base,
                in_channels=in_channels,
                num_classes=num_classes,
                resolution=resolution,
                strides=strides,
            )
        except ArchitectureError as error:
            raise SpaceError(f"no space for these images: {one_line(error)}") from error
        return replace(self, base=base)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, which `search_space.from_dict` reads as this space."""
        base = self.base.to_dict()
        del base["family"]
        if not self.fixed_strides:
            del base["strides"]
        dimensions = {}
        for dimension in self.dimensions:
            when = {name: list(values) for name, values in dimension.when.items()}
            dimensions[dimension.name] = dimension.to_spec() | ({"when": when} if when else {})
        constraints = [str(constraint) for constraint in self.constraints]
        return {"base": base, "dimensions": dimensions, "constraints": constraints}

    def _checked(self, values: Mapping[str, Value]) -> Values:
        for name in values:
            if name not in self.structure.dimensions:
                hint = did_you_mean(name, self.structure.dimensions)
                have = ", ".join(self.structure.dimensions)
                raise SpaceError(f"the space has no dimension {name!r}; {hint}it has: {have}")
        known = {}
        for name, dimension in self.structure.dimensions.items():
            if name not in values:
                raise SpaceError(f"dimension {name!r} has no value")
            found = dimension.find(values[name])
            if found is None:
                raise SpaceError(f"dimension {name!r} has no value {values[name]!r}")
            known[name] = found
        return known


def _constraint(told: Constraint | str) -> Constraint:
    return told if isinstance(told, Constraint) else constraint.parse(told)


def _first(dimension: Dimension, wanted: object) -> Value:
    found = dimension.find(wanted)
    return dimension.probes[0] if found is None else found
