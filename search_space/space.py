"""A search space: which architectures exist, as one flat set of typed dimensions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

from attention_zoo import unknown_name
from lolvit.config import LolvitConfig
from lolvit.fields import ArchitectureError
from lolvit.variants import strides_for
from search_space import locate
from search_space.check import check_dimensions
from search_space.constraint import Constraint, check_constraints, parse_constraint
from search_space.dimension import Dimension, Value, Values
from search_space.errors import SpaceError, one_line
from search_space.slot import Setting, apply_settings
from search_space.structure import Structure

if TYPE_CHECKING:
    import numpy as np


@dataclass(frozen=True)
class Space:
    """A base architecture, the dimensions that vary it, and bounds on its costs.

    Every dimension always has a value, so samplers see a fixed space. A dimension that is inactive
    for the values of the others (the mixer of a stage without fusion blocks) changes nothing.

    Args:
        base: the architecture that the dimensions change.
        dimensions: what is searched; one for a single stage overrides the one for all stages.
        constraints: bounds on costs, for the evaluation: a space computes no costs.
        fixed_strides: whether the strides stay the base's at any resolution. Otherwise they follow
            the resolution. Strides other than the default of the base's resolution stay fixed.

    Raises:
        SpaceError: invalid base, dimensions or constraints; the message is one line.
    """

    base: LolvitConfig
    dimensions: tuple[Dimension, ...]
    constraints: tuple[Constraint, ...] = ()
    fixed_strides: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.base, LolvitConfig):
            raise SpaceError(f"the base must be a LolvitConfig, got {self.base!r}")
        fixed = self.fixed_strides or self.base.strides != strides_for(self.base.resolution)
        normalized = {
            "dimensions": tuple(self.dimensions),
            "constraints": tuple(
                constraint if isinstance(constraint, Constraint) else parse_constraint(constraint)
                for constraint in self.constraints
            ),
            "fixed_strides": fixed,
        }
        for name, value in normalized.items():
            object.__setattr__(self, name, value)
        check_dimensions(self.base, self.dimensions, fixed_strides=self.fixed_strides)
        check_constraints(self.constraints)

    @cached_property
    def structure(self) -> Structure:
        """Which dimensions are active for which values of others."""
        return Structure(self.base, self.dimensions)

    @cached_property
    def default(self) -> Values:
        """The base's values; the first value of a dimension that lacks the base's."""
        return {
            name: _find_or_first(dimension, self.structure.slots[name].read(self.base, stage))
            for name, dimension in self.structure.dimensions.items()
            for stage in self.structure.stages[name][:1]
        }

    def active(self, values: Mapping[str, Value]) -> Values:
        """Return the values of the active dimensions; of equivalent values, the first.

        Raises:
            SpaceError: an unknown dimension, a missing value, or one outside its dimension.
        """
        chosen: Values = {}
        checked = self._check(values)
        for name in self.structure.order:
            if self.structure.is_active(name, chosen):
                equivalent = self.structure.find(name, checked[name], chosen)
                chosen[name] = checked[name] if equivalent is None else equivalent
        return chosen

    def architecture(self, values: Mapping[str, Value]) -> LolvitConfig:
        """Return the architecture with these values; raises SpaceError as `active` does."""
        chosen = self.active(values)
        slots, stages = self.structure.slots, self.structure.active_stages
        settings = [Setting(slots[n], stages(n, chosen), value) for n, value in chosen.items()]
        return apply_settings(self.base, settings, fixed_strides=self.fixed_strides)

    def size(self) -> int | float:
        """Count the combinations of active dimensions; `math.inf` with a real one without step."""
        return self.structure.size()

    def sample(self, rng: np.random.Generator) -> Values:
        """Draw a value for every dimension, independently."""
        return {dimension.name: dimension.sample(rng) for dimension in self.dimensions}

    def grid(self) -> Iterator[Values]:
        """Iterate over the values of every distinct combination, always in the same order.

        Raises:
            SpaceError: a real dimension without step.
        """
        for dimension in self.dimensions:
            if dimension.values is None:
                raise SpaceError(f"dimension {dimension.name!r} needs a step for a grid")
        return ({**self.default, **chosen} for chosen in self.structure.grid())

    def locate(self, architecture: LolvitConfig) -> Values:
        """Return the values that give this architecture, at the image size of the space.

        Raises:
            SpaceError: names the first field that the space cannot express.
        """
        if not isinstance(architecture, LolvitConfig):
            raise SpaceError(f"only a LOLViT can be in the space, got {architecture!r}")
        wanted = locate.comparable(self.structure, architecture)
        values = {**self.default, **locate.active_values(self.structure, wanted)}
        locate.check_equal(self.architecture(values), wanted)
        return values

    def for_images(self, in_channels: int, num_classes: int, resolution: int) -> Space:
        """Return the same space for images of this kind.

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
            raise SpaceError(f"the space does not fit these images: {one_line(error)}") from error
        return replace(self, base=base)

    def to_dict(self) -> dict[str, Any]:
        """Return plain JSON types, from which `search_space.from_dict` makes an equal space."""
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

    def _check(self, values: Mapping[str, Value]) -> Values:
        for name in values:
            if name not in self.structure.dimensions:
                raise SpaceError(unknown_name("dimension", name, self.structure.dimensions))
        checked = {}
        for name, dimension in self.structure.dimensions.items():
            if name not in values:
                raise SpaceError(f"dimension {name!r} has no value")
            value = dimension.find(values[name])
            if value is None:
                raise SpaceError(f"dimension {name!r} cannot be {values[name]!r}")
            checked[name] = value
        return checked


def _find_or_first(dimension: Dimension, wanted: object) -> Value:
    value = dimension.find(wanted)
    return dimension.probes[0] if value is None else value
