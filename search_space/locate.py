"""From an architecture back to the values that give it."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

from lolvit import LolvitConfig, MixerConfig
from search_space import mixer_text
from search_space.dimension import Value, Values
from search_space.errors import SpaceError
from search_space.slot import HOSTS, STAGED

if TYPE_CHECKING:
    from search_space.space import Space

_IMAGES = ("in_channels", "num_classes")


def locate(space: Space, architecture: LolvitConfig) -> Values:
    """The values for which the space gives this architecture.

    Fields of the image do not count: channels and classes never, the resolution and its strides
    only where the space searches the resolution. Neither do choices about fusion blocks in stages
    that have none.

    Raises:
        SpaceError: names the first field that the space cannot express.
    """
    if not isinstance(architecture, LolvitConfig):
        raise SpaceError(f"only a LOLViT can be in the space, got {architecture!r}")
    wanted = _comparable(space, architecture)
    structure = space.structure
    chosen: Values = {}
    for name in structure.order:
        if structure.exists(name, chosen):
            has = _read(space, name, structure.live_stages(name, chosen)[0], wanted)
            found = None if has is None else structure.find(name, has, chosen)
            if found is None:
                field = structure.slots[name].field
                raise SpaceError(f"the space has no {field} like this: {name!r} cannot be {has!r}")
            chosen[name] = found
    values = {**space.default, **chosen}
    made = space.architecture(values)
    for field in (field.name for field in fields(LolvitConfig)):
        if getattr(made, field) != getattr(wanted, field):
            one, other = _shown(getattr(made, field)), _shown(getattr(wanted, field))
            raise SpaceError(f"the space has no {field} like this: it has {one}, not {other}")
    return values


def _comparable(space: Space, architecture: LolvitConfig) -> LolvitConfig:
    """The architecture with the base's choices wherever they change nothing."""
    base = space.base
    alike = list(_IMAGES)
    if "resolution" not in space.structure.dimensions:
        alike += ["resolution", "strides"]
    changes: dict[str, Any] = {name: getattr(base, name) for name in alike}
    for name in ("mixers", "heads", "fusion_after"):
        entries = list(getattr(architecture, name))
        for stage in HOSTS:
            index = stage - STAGED[name]
            if architecture.fusion_blocks[index] == 0:
                entries[index] = getattr(base, name)[index]
        changes[name] = tuple(entries)
    if not any(architecture.fusion_blocks):
        changes["fusion"] = base.fusion
    return replace(architecture, **changes)


def _read(space: Space, name: str, stage: int, architecture: LolvitConfig) -> Value | None:
    """What the architecture has; of a mixer, only the options that no dimension searches."""
    structure = space.structure
    if structure.slots[name].field != "mixers" or structure.slots[name].option:
        return structure.slots[name].read(architecture, stage)
    mixer = architecture.mixers[stage - STAGED["mixers"]]
    searched = {
        place.option
        for other, place in structure.slots.items()
        if place.option and place.word == mixer.name and stage in structure.stages[other]
    }
    left = tuple(pair for pair in mixer.options if pair[0] not in searched)
    for choice in structure.dimensions[name].values or ():
        if mixer_text.parse(choice) == MixerConfig(mixer.name, left):
            return choice
    return str(mixer)


def _shown(value: object) -> object:
    """Mixers as they are written, other fields as they are."""
    if not isinstance(value, tuple):
        return value
    return [str(v) if isinstance(v, MixerConfig) else v for v in value]
