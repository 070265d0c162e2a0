"""Everything that can be wrong with the dimensions of a space, found when it is made."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from attention_zoo import did_you_mean
from attention_zoo.registry import MixerError
from lolvit.config import LolvitConfig
from lolvit.fields import ArchitectureError
from search_space import mixer_text
from search_space.dimension import Dimension, Value
from search_space.errors import SpaceError, one_line
from search_space.setting import Setting, settle
from search_space.slot import slot
from search_space.structure import Structure


def check_dimensions(
    base: LolvitConfig, dimensions: Sequence[Dimension], *, fixed_strides: bool
) -> None:
    """Raise SpaceError for the first dimension that the base cannot have."""
    for dimension in dimensions:
        if not isinstance(dimension, Dimension):
            raise SpaceError(f"dimensions are Choice, Integer or Real, got {dimension!r}")
    names = [dimension.name for dimension in dimensions]
    for index, dimension in enumerate(dimensions):
        if dimension.name in names[:index]:
            raise SpaceError(f"dimension {dimension.name!r} is given twice")
        _check_values(base, dimension, fixed_strides=fixed_strides)
    for dimension in dimensions:
        _check_condition(dimension, {known.name: known for known in dimensions})
    structure = Structure(base, dimensions)
    for name in names:
        if (why := idle(structure, name)) is not None:
            raise SpaceError(f"dimension {name!r} would change nothing: {why}")
        _check_fixed_options(structure, name)


def idle(structure: Structure, name: str) -> str | None:
    """Why the dimension exists for no values of the others; None where it does for some."""
    place = structure.slots[name]
    stages: Sequence[int] = structure.stages[name]
    if not stages:
        return (
            "dimensions for single stages take its place in all of them; remove it or one of them"
        )
    if place.hosted:
        stages = [n for n in stages if max(map(int, _possible(structure, "blocks.3", n))) > 0]
        if not stages:
            return "no stage it speaks for ever has fusion blocks"
    if place.inside:
        stages = [n for n in stages if max(map(int, _possible(structure, "depth.3", n))) > 1]
        if not stages:
            return "its stage never has more than one bottleneck"
    if place.option:
        offered = [mixer_text.parse(m).name for n in stages for m in _mixers(structure, n)]
        if place.word not in offered:
            return f"mixer {place.word!r} is offered by no 'mixer' dimension, nor is it the base's"
    return None


def _check_values(base: LolvitConfig, dimension: Dimension, *, fixed_strides: bool) -> None:
    place = slot(dimension.name)
    seen: dict[Value, Value] = {}
    for value in dimension.probes:
        try:
            settle(base, [Setting(place, place.stages, value)], fixed_strides=fixed_strides)
        except (SpaceError, ArchitectureError, MixerError, OverflowError) as error:
            raise SpaceError(
                f"dimension {dimension.name!r} cannot be {value!r}: {one_line(error)}"
            ) from error
        if place.field == "mixers" and not place.option:
            text = str(mixer_text.parse(value))
            if seen.setdefault(text, value) != value:
                raise SpaceError(
                    f"dimension {dimension.name!r}: {seen[text]!r} and {value!r} are the same"
                )


def _check_condition(dimension: Dimension, known: dict[str, Dimension]) -> None:
    for name, values in dimension.when.items():
        where = f"dimension {dimension.name!r}: `when`"
        if name not in known:
            hint = did_you_mean(name, known)
            have = ", ".join(known)
            raise SpaceError(f"{where} names no dimension {name!r}; {hint}there are: {have}")
        for value in values:
            if known[name].find(value) is None:
                raise SpaceError(f"{where} names {value!r}, which {name!r} cannot be")


def _check_fixed_options(structure: Structure, name: str) -> None:
    """A choice like "fwa:window=4" beside a dimension "fwa.window" would say a thing twice."""
    place = structure.slots[name]
    for stage in structure.stages[name] if place.option else ():
        governor = structure.governor("mixer.3", stage)
        if governor is None:
            continue
        for value in structure.dimensions[governor].values or ():
            mixer = mixer_text.parse(value)
            if mixer.name == place.word and place.option in dict(mixer.options):
                raise SpaceError(
                    f"dimension {governor!r}: the choice {value!r} fixes an option that dimension "
                    f"{name!r} searches; remove one of them"
                )


def _possible(structure: Structure, like: str, stage: int) -> Iterator[Value]:
    """All that a stage can have: of its dimension, and of the base where that may not exist."""
    governor = structure.governor(like, stage)
    dimension = structure.dimensions[governor] if governor is not None else None
    if dimension is not None:
        yield from dimension.values or ()
    if dimension is None or dimension.when:
        value = slot(like).read(structure.base, stage)
        assert value is not None  # only options can be unknown
        yield value


def _mixers(structure: Structure, stage: int) -> Iterator[Value]:
    return _possible(structure, "mixer.3", stage)
