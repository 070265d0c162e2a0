"""Find the values that give an architecture."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from lolvit.config import LolvitConfig
from lolvit.mixer_config import MixerConfig
from search_space.dimension import Value, Values
from search_space.errors import SpaceError
from search_space.slot import FIRST_STAGE, FUSION_STAGES
from search_space.structure import Structure

_IMAGE_FIELDS = ("in_channels", "num_classes")


def comparable(structure: Structure, architecture: LolvitConfig) -> LolvitConfig:
    """Return the architecture with the base's values in all fields that do not count.

    Channels and classes never count, resolution and strides only if the space searches the
    resolution, and settings of fusion blocks only in stages that have some.
    """
    base = structure.base
    ignored = list(_IMAGE_FIELDS)
    if "resolution" not in structure.dimensions:
        ignored += ["resolution", "strides"]
    changes: dict[str, Any] = {name: getattr(base, name) for name in ignored}
    for name in ("mixers", "heads", "fusion_after"):
        by_stage = list(getattr(architecture, name))
        for stage in FUSION_STAGES:
            index = stage - FIRST_STAGE[name]
            if architecture.fusion_blocks[index] == 0:
                by_stage[index] = getattr(base, name)[index]
        changes[name] = tuple(by_stage)
    if not any(architecture.fusion_blocks):
        changes["fusion"] = base.fusion
    return replace(architecture, **changes)


def active_values(structure: Structure, architecture: LolvitConfig) -> Values:
    """Return the values of the active dimensions; raises SpaceError if one has no such value."""
    chosen: Values = {}
    for name in structure.order:
        if structure.is_active(name, chosen):
            wanted = _read(structure, name, structure.active_stages(name, chosen)[0], architecture)
            value = None if wanted is None else structure.find(name, wanted, chosen)
            if value is None:
                field = structure.slots[name].field
                raise SpaceError(f"no such {field} in the space: {name!r} cannot be {wanted!r}")
            chosen[name] = value
    return chosen


def check_equal(architecture: LolvitConfig, wanted: LolvitConfig) -> None:
    """Raise SpaceError that names the first field in which the two differ."""
    for name in (field.name for field in fields(LolvitConfig)):
        if getattr(architecture, name) != getattr(wanted, name):
            expected, actual = (_text(getattr(config, name)) for config in (architecture, wanted))
            raise SpaceError(f"no such {name} in the space: it must be {expected}, not {actual}")


def _read(structure: Structure, name: str, stage: int, architecture: LolvitConfig) -> Value | None:
    """Return the architecture's value; of a mixer, without the options that are searched."""
    slot = structure.slots[name]
    if slot.field != "mixers" or slot.option:
        return slot.read(architecture, stage)
    mixer = architecture.mixers[stage - FIRST_STAGE["mixers"]]
    searched = {
        other.option
        for other_name, other in structure.slots.items()
        if other.prefix == mixer.name and stage in structure.stages[other_name]
    }
    fixed = tuple(pair for pair in mixer.options if pair[0] not in searched)
    for choice in structure.dimensions[name].values or ():
        if MixerConfig.parse(str(choice)) == replace(mixer, options=fixed):
            return choice
    return str(mixer)


def _text(value: object) -> object:
    if not isinstance(value, tuple):
        return value
    return [str(item) if isinstance(item, MixerConfig) else item for item in value]
