"""What the name of a dimension sets: a field of the architecture, in one or several stages."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

from attention_zoo import MixerError, did_you_mean, entries, entry
from lolvit.config import LolvitConfig
from lolvit.mixer_config import MixerConfig
from lolvit.variants import strides_for
from search_space.dimension import Value
from search_space.errors import SpaceError

STAGES = (1, 2, 3, 4, 5)
FUSION_STAGES = (3, 4, 5)  # those that can have fusion blocks


@dataclass(frozen=True)
class FieldRule:
    """What a name sets: `whole_field` as in "width", `stage_field` as in "width.4".

    With `needs_blocks` it has an effect only in stages with fusion blocks. With `is_position` it
    counts the bottlenecks of its stage; every position after the last but one is the end.
    """

    type: type
    whole_field: str = ""
    stage_field: str = ""
    stages: tuple[int, ...] = STAGES
    needs_blocks: bool = False
    is_position: bool = False


RULES = {
    "width": FieldRule(float, "width", "stage_widths"),
    "depth": FieldRule(int, "", "depths"),
    "expansion": FieldRule(float, "expansions", "expansions"),
    "kernel": FieldRule(int, "kernels", "kernels"),
    "squeeze": FieldRule(str, "squeeze"),
    "blocks": FieldRule(int, "", "fusion_blocks", FUSION_STAGES),
    "after": FieldRule(int, "", "fusion_after", FUSION_STAGES, True, is_position=True),
    "mixer": FieldRule(str, "mixers", "mixers", FUSION_STAGES, needs_blocks=True),
    "heads": FieldRule(int, "heads", "heads", FUSION_STAGES, needs_blocks=True),
    "fusion": FieldRule(str, "fusion", "", FUSION_STAGES, needs_blocks=True),
    "resolution": FieldRule(int, "resolution"),
    "downsampling": FieldRule(str, "downsampling"),
    "trunk_channels": FieldRule(int, "trunk_channels"),
    "feature_channels": FieldRule(int, "feature_channels"),
}
FIRST_STAGE = {rule.stage_field: rule.stages[0] for rule in RULES.values() if rule.stage_field}
_TYPE_NAMES = {int: "whole numbers", float: "numbers", str: "strings"}


@dataclass(frozen=True)
class Slot:
    """The part of an architecture that a dimension sets.

    Args:
        prefix: the name's first part: a key of RULES, or the mixer whose option this is.
        option: the mixer's option, or "".
        field: the field of LolvitConfig.
        types: types of its values; empty for any.
        stages: the stages it covers.
        is_single_stage: whether the name includes a stage.
        needs_blocks: whether it has an effect only in stages with fusion blocks.
        is_position: whether it counts the bottlenecks of its stage.
    """

    prefix: str
    option: str
    field: str
    types: frozenset[type]
    stages: tuple[int, ...]
    is_single_stage: bool
    needs_blocks: bool
    is_position: bool = False

    @property
    def key(self) -> tuple[str, str, str]:
        """Equal for "kernel" and "kernel.4", of which the latter overrides the former."""
        return (self.prefix, self.option, self.field)

    def read(self, architecture: LolvitConfig, stage: int) -> Value | None:
        """Return the architecture's value; None for an option without a literal default."""
        value = getattr(architecture, self.field)
        if self.field in FIRST_STAGE:
            value = value[stage - FIRST_STAGE[self.field]]
        if self.option:
            options = dict(value.options) if value.name == self.prefix else {}
            return options.get(self.option, entry(self.prefix).option(self.option).default_value)
        return str(value) if self.field == "mixers" else value

    def convert(self, value: Value) -> Value:
        """Return the value as the field stores it; raises SpaceError for one of another type."""
        if self.option:
            try:
                return entry(self.prefix).convert(self.option, value)
            except MixerError as error:
                raise SpaceError(str(error)) from error
        if type(value) in self.types:
            return value
        if float in self.types and type(value) is int:
            return float(value)
        raise SpaceError(f"its values are {_TYPE_NAMES[next(iter(self.types))]}, got {value!r}")


class Setting(NamedTuple):
    """A value for a slot, and the stages in which it applies."""

    slot: Slot
    stages: tuple[int, ...]
    value: Value


def apply_settings(
    base: LolvitConfig, settings: Iterable[Setting], *, fixed_strides: bool
) -> LolvitConfig:
    """Return the base with these settings, applied in order: a mixer comes before its options.

    Raises:
        SpaceError: a value of another type than the field's.
        MixerError: an unknown mixer or option.
        ArchitectureError: values that no network can have.
    """
    fields: dict[str, Any] = {}
    for slot, stages, raw_value in settings:
        value = slot.convert(raw_value)
        if slot.field not in FIRST_STAGE:
            fields[slot.field] = value
            continue
        by_stage = fields.setdefault(slot.field, list(getattr(base, slot.field)))
        for stage in stages:
            index = stage - FIRST_STAGE[slot.field]
            by_stage[index] = _stage_value(slot, value, by_stage[index])
    if "resolution" in fields and not fixed_strides:
        fields["strides"] = strides_for(fields["resolution"])
    return replace(base, **fields)


def _stage_value(slot: Slot, value: Value, current: Any) -> Any:
    """Return a number or string, a mixer, or the current mixer with another option."""
    if slot.field != "mixers":
        return value
    if not slot.option:
        return MixerConfig.parse(value)  # type: ignore[arg-type]  # which refuses other types
    options = dict(current.options) if current.name == slot.prefix else {}
    options[slot.option] = value
    return MixerConfig(slot.prefix, tuple(options.items()))


@cache
def resolve_slot(name: str) -> Slot:
    """Return the slot that a dimension of this name sets.

    Raises:
        SpaceError: an unknown name; the message lists what exists.
    """
    prefix, *rest = name.split(".") if isinstance(name, str) else [str(name)]
    if prefix in RULES:
        return _field_slot(name, prefix, rest)
    if prefix in entries():
        return _option_slot(name, prefix, rest)
    hint = did_you_mean(prefix, [*RULES, *entries()])
    raise SpaceError(f"unknown dimension {name!r}; {hint}available: {_patterns()}")


def _field_slot(name: str, prefix: str, rest: list[str]) -> Slot:
    rule = RULES[prefix]
    if rest and not rule.stage_field:
        raise SpaceError(f"unknown dimension {name!r}: {prefix!r} is the same in all stages")
    if not rest and not rule.whole_field:
        first, last = rule.stages[0], rule.stages[-1]
        raise SpaceError(f"dimension {name!r} needs a stage: {prefix}.{first} to {prefix}.{last}")
    stages = _parse_stages(name, rest, rule.stages)
    field = rule.stage_field if rest else rule.whole_field
    types = frozenset({rule.type})
    return Slot(prefix, "", field, types, stages, bool(rest), rule.needs_blocks, rule.is_position)


def _option_slot(name: str, mixer: str, rest: list[str]) -> Slot:
    if not rest:
        raise SpaceError(
            f"dimension {name!r} is a mixer: add it to the choices of 'mixer', "
            f"or name one of its options, as in {mixer}.<option>"
        )
    option, *stage = rest
    try:
        types = entry(mixer).option(option).types
    except MixerError as error:
        raise SpaceError(f"unknown dimension {name!r}: {error}") from error
    stages = _parse_stages(name, stage, FUSION_STAGES)
    return Slot(mixer, option, "mixers", types, stages, bool(stage), needs_blocks=True)


def _parse_stages(name: str, rest: list[str], allowed: tuple[int, ...]) -> tuple[int, ...]:
    if not rest:
        return allowed
    if len(rest) == 1 and rest[0] in map(str, allowed):
        return (int(rest[0]),)
    stage = ".".join(rest)
    raise SpaceError(
        f"dimension {name!r}: the stage must be {allowed[0]} to {allowed[-1]}, got {stage!r}"
    )


def _patterns() -> str:
    patterns = {(True, True): "{0}[.N]", (True, False): "{0}", (False, True): "{0}.N"}
    names = [
        patterns[bool(rule.whole_field), bool(rule.stage_field)].format(name)
        for name, rule in RULES.items()
    ]
    return ", ".join((*names, "<mixer>.<option>[.N]"))
