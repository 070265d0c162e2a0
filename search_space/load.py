"""Make spaces from files, presets and plain data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from attention_zoo import MixerError, did_you_mean, unknown_name
from lolvit.config import LolvitConfig, from_fields
from lolvit.fields import ArchitectureError, check_integer
from lolvit.mixer_config import MixerConfig
from lolvit.variants import strides_for, variant
from search_space.check import check_condition, check_values, reason_unused
from search_space.constraint import parse_constraint
from search_space.dimension import Choice, Dimension, Integer, Real
from search_space.errors import SpaceError, one_line
from search_space.slot import resolve_slot
from search_space.space import Space
from search_space.structure import Structure
from search_space.yaml_file import read_yaml

_FOLDER = Path(__file__).parent / "presets"
PRESETS = ("tiny", "paper", "full")
_SPACE_KEYS = ("preset", "base", "dimensions", "constraints")
_BASE_KEYS = ("variant", *(field.name for field in fields(LolvitConfig)))
_DIMENSION_KEYS = ("choices", "low", "high", "step", "log", "when")
_EXPECTED = "write a list, or low and high"


def load(source: str | Path) -> Space:
    """Load a space from a YAML file, or a preset by name.

    Args:
        source: "tiny", "paper", "full", or a file with the space as a whole or under the key
            `space`.

    Raises:
        SpaceError: no such file or preset, invalid YAML or an invalid space.
    """
    if str(source) in PRESETS:
        return from_dict({"preset": str(source)})
    path = Path(source)
    if not path.exists() and path.suffix not in (".yaml", ".yml"):
        raise SpaceError(_unknown_preset(source) + "; and there is no such file")
    data = read_yaml(path)
    if isinstance(data, Mapping) and "space" in data:
        data = data["space"]
    try:
        return from_dict(data)
    except SpaceError as error:
        raise SpaceError(f"{path}: {error}") from error


def from_dict(data: object) -> Space:
    """Make a space from `preset`, `base`, `dimensions` and `constraints`, each optional.

    Dimensions replace those of the preset, and null removes one. A dimension for all stages
    replaces the preset's for single ones. The preset's dimensions that no longer have an effect
    (options of a mixer that is not searched any more) are dropped.

    Raises:
        SpaceError: anything invalid.
    """
    section = _section(data, "a space", _SPACE_KEYS)
    preset = _preset(section["preset"]) if section.get("preset") is not None else {}
    own_base = _section(section.get("base"), "`base`", _BASE_KEYS)
    base, fixed_strides = _base({**preset.get("base", {}), **own_base})
    changes = _section(section.get("dimensions"), "`dimensions`")
    inherited = preset.get("dimensions", {})
    for name, spec in changes.items():
        if spec is None and name not in inherited:
            hint = did_you_mean(name, inherited)
            raise SpaceError(f"cannot remove {name!r}: {hint}null removes a preset's dimension")
    specs = {n: s for n, s in {**inherited, **changes}.items() if s is not None}
    dimensions = _parse_dimensions(
        base, specs, inherited=set(inherited) - set(changes), fixed_strides=fixed_strides
    )
    bounds = section.get("constraints", preset.get("constraints"))
    if not isinstance(bounds, list | tuple | None):
        raise SpaceError(f"`constraints` must be a list, got {bounds!r}")
    return Space(base, tuple(dimensions), tuple(map(parse_constraint, bounds or ())), fixed_strides)


def parse_dimension(name: str, spec: object) -> Dimension:
    """Make a dimension from its name and its domain as plain data.

    Args:
        name: such as "width", "mixer.4", "fwa.window".
        spec: [values], {choices: [values]} or {low, high} with optional step or log; the mappings
            with an optional `when`.

    Raises:
        SpaceError: anything else.
    """
    types = resolve_slot(name).types
    if isinstance(spec, list | tuple):
        return Choice(name, tuple(spec))
    if not isinstance(spec, Mapping):
        raise SpaceError(f"dimension {name!r}: {_EXPECTED}, got {spec!r}")
    for key in spec:
        if key not in _DIMENSION_KEYS:
            raise SpaceError(f"dimension {name!r}: {unknown_name('key', key, _DIMENSION_KEYS)}")
    when = {} if spec.get("when") is None else spec["when"]
    if isinstance(when, Mapping):
        when = {key: v if isinstance(v, list | tuple) else [v] for key, v in when.items()}
    numbers = {key: spec[key] for key in ("low", "high", "step", "log") if key in spec}
    if "choices" in spec:
        if numbers:
            raise SpaceError(f"dimension {name!r} has choices; remove {next(iter(numbers))!r}")
        return Choice(name, spec["choices"], when=when)
    for key in ("low", "high"):
        if key not in spec:
            raise SpaceError(f"dimension {name!r} has no {key!r}: {_EXPECTED}")
    return _range_class(name, types, numbers)(name, **numbers, when=when)


def _range_class(
    name: str, types: frozenset[type], numbers: Mapping[str, Any]
) -> Callable[..., Dimension]:
    """Return Integer or Real: the type of the field, or of the bounds if it takes both."""
    if types and not types & {int, float}:
        raise SpaceError(f"dimension {name!r} takes no numbers; write a list of choices")
    if types & {int, float} == {float}:
        return Real
    if float in types or not types:
        is_whole = all(isinstance(numbers[key], int) for key in numbers if key != "log")
        return Integer if is_whole else Real
    return Integer


def _parse_dimensions(
    base: LolvitConfig, specs: Mapping[str, Any], inherited: set[str], *, fixed_strides: bool
) -> Iterable[Dimension]:
    """Parse the dimensions, without inherited ones that others override or leave unused."""
    slots = {name: resolve_slot(name) for name in specs}
    overridden = {
        slot.key
        for name, slot in slots.items()
        if name not in inherited and not slot.is_single_stage
    }
    dimensions = {
        name: parse_dimension(name, spec)
        for name, spec in specs.items()
        if name not in inherited
        or not slots[name].is_single_stage
        or slots[name].key not in overridden
    }
    if not inherited:
        return dimensions.values()
    for name, dimension in dimensions.items():
        if name not in inherited:
            check_values(base, dimension, fixed_strides=fixed_strides)
        check_condition(dimension, dimensions)
    structure = Structure(base, dimensions.values())
    return [
        dimension
        for name, dimension in dimensions.items()
        if name not in inherited or reason_unused(structure, name) is None
    ]


def _preset(name: object) -> dict[str, Any]:
    if name not in PRESETS:
        raise SpaceError(_unknown_preset(name))
    return dict(read_yaml(_FOLDER / f"{name}.yaml"))


def _unknown_preset(name: object) -> str:
    return unknown_name("preset", str(name), PRESETS)


def _base(section: Mapping[str, Any]) -> tuple[LolvitConfig, bool]:
    """Return the base architecture, and whether its strides are fixed."""
    values = dict(section)
    name = values.pop("variant", None)
    try:
        if "mixers" in values:
            mixers = values["mixers"]
            by_stage = mixers if isinstance(mixers, list | tuple) else [mixers] * 3
            values["mixers"] = [_mixer(mixer) for mixer in by_stage]
        if name is None:
            resolution = values.get("resolution", LolvitConfig.resolution)
            check_integer("resolution", resolution, least=1)
            base = from_fields(LolvitConfig, {"strides": strides_for(resolution), **values})
        else:
            base = variant(str(name), **values)
    except (ArchitectureError, MixerError, SpaceError, TypeError) as error:
        raise SpaceError(f"`base`: {one_line(error)}") from error
    if not isinstance(base, LolvitConfig):
        raise SpaceError(f"`base`: {name!r} is not a LOLViT")
    return base, "strides" in section


def _mixer(mixer: object) -> MixerConfig:
    if isinstance(mixer, Mapping):  # as `Space.to_dict` writes it
        return MixerConfig(mixer.get("name"), mixer.get("options", ()))  # type: ignore[arg-type]
    return MixerConfig.parse(mixer)  # type: ignore[arg-type]  # which refuses other types


def _section(data: object, title: str, keys: tuple[str, ...] = ()) -> dict[str, Any]:
    if data is None and keys != _SPACE_KEYS:
        return {}
    if not isinstance(data, Mapping):
        raise SpaceError(f"{title} must be a mapping, got {data!r}")
    for key in data:
        if not isinstance(key, str):
            raise SpaceError(f"{title} has a key that is not a string: {key!r}")
        if keys and key not in keys:
            raise SpaceError(f"{title} has an {unknown_name('key', key, keys)}")
    return dict(data)
