"""Validate the dimensions of a space against its base and against each other."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from attention_zoo import MixerError, unknown_name
from lolvit.config import LolvitConfig
from lolvit.fields import ArchitectureError
from lolvit.mixer_config import MixerConfig
from search_space.dimension import Dimension, Value
from search_space.errors import SpaceError, one_line
from search_space.slot import Setting, apply_settings, resolve_slot
from search_space.structure import Structure, base_value


def check_dimensions(
    base: LolvitConfig, dimensions: Sequence[Dimension], *, fixed_strides: bool
) -> None:
    """Raise SpaceError for the first dimension that the base cannot have."""
    by_name: dict[str, Dimension] = {}
    for dimension in dimensions:
        if not isinstance(dimension, Dimension):
            raise SpaceError(f"dimensions must be Choice, Integer or Real, got {dimension!r}")
    for dimension in dimensions:
        if by_name.setdefault(dimension.name, dimension) is not dimension:
            raise SpaceError(f"duplicate dimension {dimension.name!r}")
        check_values(base, dimension, fixed_strides=fixed_strides)
    for dimension in dimensions:
        check_condition(dimension, by_name)
    structure = Structure(base, dimensions)
    for name in by_name:
        if (reason := reason_unused(structure, name)) is not None:
            raise SpaceError(f"dimension {name!r} has no effect: {reason}")
        _check_fixed_options(structure, name)


def reason_unused(structure: Structure, name: str) -> str | None:
    """Return why the dimension is active for no values of the others; None if it can be active."""
    slot = structure.slots[name]
    stages: Sequence[int] = structure.stages[name]
    if not stages:
        return "dimensions for single stages override it in all of them; remove it or one of them"
    if slot.needs_blocks:
        stages = [n for n in stages if max(map(int, _possible(structure, "blocks", n))) > 0]
        if not stages:
            return "none of its stages ever has fusion blocks"
    if slot.is_position:
        stages = [n for n in stages if max(map(int, _possible(structure, "depth", n))) > 1]
        if not stages:
            return "its stage never has more than one bottleneck"
    if slot.option:
        texts = (text for stage in stages for text in _possible(structure, "mixer", stage))
        if slot.prefix not in {MixerConfig.parse(str(text)).name for text in texts}:
            return f"mixer {slot.prefix!r} is in no 'mixer' dimension and not in the base"
    return None


def check_values(base: LolvitConfig, dimension: Dimension, *, fixed_strides: bool) -> None:
    """Raise SpaceError for a value that the base cannot have, and for equivalent mixers."""
    slot = resolve_slot(dimension.name)
    spellings: dict[Value, Value] = {}
    for value in dimension.probes:
        try:
            apply_settings(base, [Setting(slot, slot.stages, value)], fixed_strides=fixed_strides)
        except (SpaceError, ArchitectureError, MixerError, OverflowError) as error:
            raise SpaceError(
                f"dimension {dimension.name!r} cannot be {value!r}: {one_line(error)}"
            ) from error
        if slot.field == "mixers" and not slot.option:
            text = str(MixerConfig.parse(str(value)))
            if spellings.setdefault(text, value) != value:
                raise SpaceError(
                    f"dimension {dimension.name!r}: {spellings[text]!r} and {value!r} are the same"
                )


def check_condition(dimension: Dimension, by_name: Mapping[str, Dimension]) -> None:
    """Raise SpaceError for a `when` that names an unknown dimension or value."""
    where = f"dimension {dimension.name!r}: `when`"
    for name, values in dimension.when.items():
        if name not in by_name:
            raise SpaceError(f"{where}: {unknown_name('dimension', name, by_name)}")
        for value in values:
            if by_name[name].find(value) is None:
                raise SpaceError(f"{where} names {value!r}, which is not a value of {name!r}")


def _check_fixed_options(structure: Structure, name: str) -> None:
    """Refuse a choice such as "fwa:window=4" next to a dimension "fwa.window"."""
    slot = structure.slots[name]
    for stage in structure.stages[name] if slot.option else ():
        setter = structure.setter("mixer", stage)
        if setter is None:
            continue
        for value in structure.dimensions[setter].values or ():
            mixer = MixerConfig.parse(str(value))
            if mixer.name == slot.prefix and slot.option in dict(mixer.options):
                raise SpaceError(
                    f"dimension {setter!r}: the choice {value!r} fixes an option that dimension "
                    f"{name!r} searches; remove one of them"
                )


def _possible(structure: Structure, prefix: str, stage: int) -> Iterator[Value]:
    """Yield the values of the stage's dimension, and the base's if that can be inactive."""
    setter = structure.setter(prefix, stage)
    dimension = structure.dimensions[setter] if setter is not None else None
    if dimension is not None:
        yield from dimension.values or ()
    if dimension is None or dimension.when:
        yield base_value(structure.base, prefix, stage)
