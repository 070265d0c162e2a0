"""Spaces from files, presets and plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from attention_zoo import did_you_mean, unknown_name
from attention_zoo.registry import MixerError
from lolvit.config import LolvitConfig, from_fields
from lolvit.fields import ArchitectureError, check_whole
from lolvit.mixer_config import MixerConfig
from lolvit.variants import strides_for, variant
from search_space import constraint, mixer_text
from search_space.check import idle
from search_space.errors import SpaceError, one_line
from search_space.slot import slot
from search_space.space import Space
from search_space.spec import dimension
from search_space.structure import Structure
from search_space.yaml_file import read_yaml

_FOLDER = Path(__file__).parent / "presets"
PRESETS = ("tiny", "paper", "full")
_KEYS = ("preset", "base", "dimensions", "constraints")
_BASE = ("variant", *(field.name for field in fields(LolvitConfig)))


def load(source: str | Path) -> Space:
    """The space in a YAML file, or the preset of that name.

    Args:
        source: a file with the space as a whole or under the key `space`; or "tiny", "paper",
            "full".

    Raises:
        SpaceError: no such file or preset, no YAML, or a space that cannot be.
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
    """The space that this says: `preset`, `base`, `dimensions` and `constraints`, each optional.

    Dimensions replace those of the preset, and null removes one. A dimension for all stages takes
    the place of the preset's for single ones, and the preset's leave where they can no longer
    change anything (options of a mixer that is not offered any more).

    Raises:
        SpaceError: anything that cannot be.
    """
    told = _section(data, "a space", _KEYS)
    preset = _preset(told["preset"]) if told.get("preset") is not None else {}
    base, fixed = _base({**preset.get("base", {}), **_section(told.get("base"), "`base`", _BASE)})
    changes = _section(told.get("dimensions"), "`dimensions`")
    inherited = preset.get("dimensions", {})
    for name, spec in changes.items():
        if spec is None and name not in inherited:
            hint = did_you_mean(name, inherited)
            raise SpaceError(f"no dimension {name!r} to remove; {hint}null removes a preset's")
    specs = {n: s for n, s in {**inherited, **changes}.items() if s is not None}
    specs = _without_idle(base, specs, set(inherited) - set(changes), changes)
    bounds = told.get("constraints", preset.get("constraints"))
    if not isinstance(bounds, list | tuple | None):
        raise SpaceError(f"`constraints` must be a list, got {bounds!r}")
    return Space(
        base,
        tuple(dimension(name, spec) for name, spec in specs.items()),
        tuple(constraint.parse(text) for text in bounds or ()),
        fixed,
    )


def _without_idle(
    base: LolvitConfig, specs: dict[str, Any], inherited: set[str], changes: Mapping[str, Any]
) -> dict[str, Any]:
    """Without the preset's dimensions that others of the file have left nothing to decide."""
    general = {slot(name).family for name in changes if name in specs and not slot(name).single}
    kept = {
        name: spec
        for name, spec in specs.items()
        if name not in inherited or not slot(name).single or slot(name).family not in general
    }
    if not inherited:
        return kept
    structure = Structure(base, [dimension(name, spec) for name, spec in kept.items()])
    return {n: s for n, s in kept.items() if n not in inherited or idle(structure, n) is None}


def _preset(name: object) -> dict[str, Any]:
    if name not in PRESETS:
        raise SpaceError(_unknown_preset(name))
    return dict(read_yaml(_FOLDER / f"{name}.yaml"))


def _unknown_preset(name: object) -> str:
    return unknown_name("preset", str(name), PRESETS)


def _base(told: Mapping[str, Any]) -> tuple[LolvitConfig, bool]:
    """The base architecture, and whether its strides hold for any size of images."""
    values = dict(told)
    name = values.pop("variant", None)
    try:
        if "mixers" in values:
            mixers = values["mixers"]
            several = mixers if isinstance(mixers, list | tuple) else [mixers] * 3
            values["mixers"] = [_mixer(mixer) for mixer in several]
        if name is None:
            resolution = values.get("resolution", LolvitConfig.resolution)
            check_whole("resolution", resolution, least=1)
            found = from_fields(LolvitConfig, {"strides": strides_for(resolution), **values})
        else:
            found = variant(str(name), **values)
    except (ArchitectureError, MixerError, SpaceError, TypeError) as error:
        raise SpaceError(f"`base`: {one_line(error)}") from error
    if not isinstance(found, LolvitConfig):
        raise SpaceError(f"`base`: {name!r} is no LOLViT and has no such dimensions")
    return found, "strides" in told


def _mixer(mixer: object) -> MixerConfig:
    if isinstance(mixer, Mapping):  # as `Space.to_dict` writes it
        return MixerConfig(mixer.get("name"), mixer.get("options", ()))  # type: ignore[arg-type]
    return mixer_text.parse(mixer)


def _section(data: object, what: str, keys: tuple[str, ...] = ()) -> dict[str, Any]:
    if data is None and keys != _KEYS:
        return {}
    if not isinstance(data, Mapping):
        raise SpaceError(f"{what} must be a mapping, got {data!r}")
    for key in data:
        if not isinstance(key, str):
            raise SpaceError(f"{what} has a key that is no word: {key!r}")
        if keys and key not in keys:
            have = ", ".join(keys)
            raise SpaceError(f"{what} has no key {key!r}; {did_you_mean(key, keys)}it has: {have}")
    return dict(data)
