"""From chosen values to an architecture."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from lolvit.config import LolvitConfig
from lolvit.mixer_config import MixerConfig
from lolvit.variants import strides_for
from search_space import mixer_text
from search_space.dimension import Value
from search_space.slot import STAGED, Slot


@dataclass(frozen=True)
class Setting:
    """A value, the place it goes to, and the stages in which it does."""

    slot: Slot
    stages: tuple[int, ...]
    value: Value


def settle(base: LolvitConfig, settings: Iterable[Setting], *, fixed_strides: bool) -> LolvitConfig:
    """The base with these settings, in order: a mixer comes before its options.

    Raises:
        SpaceError: a value of another type than the field's.
        ArchitectureError: values that no network can have.
    """
    fields: dict[str, Any] = {}
    for setting in settings:
        slot, value = setting.slot, setting.slot.checked(setting.value)
        if slot.field not in STAGED:
            fields[slot.field] = value
            continue
        entries = fields.setdefault(slot.field, list(getattr(base, slot.field)))
        for stage in setting.stages:
            index = stage - STAGED[slot.field]
            entries[index] = _entry(slot, value, entries[index])
    if "resolution" in fields and not fixed_strides:
        fields["strides"] = strides_for(fields["resolution"])
    return replace(base, **fields)


def _entry(slot: Slot, value: Value, before: Any) -> Any:
    """What stands in a stage: a number, a mixer, or the mixer from before with another option."""
    if slot.field != "mixers":
        return value
    if not slot.option:
        return mixer_text.parse(value)
    told = dict(before.options) if before.name == slot.word else {}
    options = {**told, slot.option: value}
    return MixerConfig(slot.word, tuple(options.items()))
