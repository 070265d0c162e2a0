"""What to ablate: a base architecture and the values of its factors. No torch."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

from attention_zoo import MixerError, entry, unknown_name
from lolvit import LolvitConfig
from lolvit.analytic import analytic_costs
from runners.arms import Arm, ImageKind
from runners.records.errors import UserError
from runners.training.recipe import Recipe
from search_space import Choice, Space, SpaceError, from_dict
from search_space.yaml_file import read_yaml

BASE = "base"
DESIGNS = ("one-factor", "factorial")
MATCHES = ("params", "macs")
_KEYS = ("base", "factors", "design", "interactions", "training")
_TRAINING_KEYS = ("dataset", "resolution", "epochs", "batch_size", "learning_rate", "amp")
_RECIPE = "recipe."
_PLACEMENT = "placement"
_PLACEMENTS = {"none": (), "5": (5,), "4-5": (4, 5), "3-5": (3, 4, 5)}
_LARGEST_WIDTH = 8.0
_WIDTH_STEPS = 100
"""Widths tried per halving and per doubling."""

Change = tuple[str, Any]
"""The name of a factor and one of its values."""


@dataclass(frozen=True)
class Ablation:
    """A base architecture and the values of each factor.

    Args:
        base: the architecture that every arm changes, at any input size.
        factors: by name, the values that differ from the base's. A name is a dimension of search
            spaces ("fwa.window", "fusion", "blocks.5"), "placement" (stages with fusion blocks), or
            a field of the recipe ("recipe.epochs").
        design: "one-factor" changes one at a time; "factorial" combines all values, the base's too.
        training: data set, image size and changes of its recipe.
        interactions: pairs of factors; the arms of both changes, for all their values, are added to
            those of one.
    """

    base: LolvitConfig
    factors: Mapping[str, Sequence[Any]]
    design: str = DESIGNS[0]
    training: Mapping[str, Any] = field(default_factory=dict)
    interactions: Sequence[tuple[str, str]] = ()

    def arms(self, image: ImageKind, match: str = "") -> list[Arm]:
        """The base, then one arm for each change or combination of changes.

        Args:
            image: the input of all networks.
            match: "params" or "macs": scale each arm's width until it has the base's; the name of
                the arm gives the width.

        Raises:
            UserError: a factor or value that does not exist, or two arms that are equal.
        """
        base = Space(self.base, ()).for_images(
            image.in_channels, image.num_classes, image.resolution
        )
        arms = [_arm(BASE, base.base, {})]
        first = {_identity(arms[0]): BASE}
        for changes in self._changes():
            arm = self._changed(base.base, changes)
            same = first.setdefault(_identity(arm), arm.name)
            if same != arm.name:
                raise UserError(f"{arm.name} is the same as {same}; leave it out")
            arms.append(_matched(arm, base.base, match) if match else arm)
        return arms

    def _changes(self) -> Iterator[tuple[Change, ...]]:
        if self.design == "one-factor":
            for name, values in self.factors.items():
                yield from (((name, value),) for value in values)
            for one, other in self.interactions:
                pairs = itertools.product(self.factors[one], self.factors[other])
                yield from (((one, first), (other, second)) for first, second in pairs)
            return
        options = [[None, *((name, v) for v in values)] for name, values in self.factors.items()]
        for chosen in itertools.product(*options):
            changes = tuple(change for change in chosen if change is not None)
            if changes:
                yield changes

    def _changed(self, base: LolvitConfig, changes: Sequence[Change]) -> Arm:
        name = ", ".join(f"{factor}={value}" for factor, value in changes)
        architecture, recipe = base, {}
        for factor, value in changes:
            if factor.startswith(_RECIPE):
                recipe[factor.removeprefix(_RECIPE)] = value
            else:
                architecture = _with_value(architecture, factor, value)
        return _arm(name, architecture, recipe)


def read_ablation(file: Path) -> Ablation:
    """Read an ablation from a YAML file.

    Raises:
        UserError: the file or a key, factor or value in it is wrong; names the file.
    """
    try:
        return parse_ablation(read_yaml(file))
    except (UserError, SpaceError, MixerError) as error:
        message = str(error)
        raise UserError(message if str(file) in message else f"{file}: {message}") from error


def parse_ablation(data: object) -> Ablation:
    """Make an ablation from a mapping; raises UserError or SpaceError."""
    section = _mapping(data, "an ablation", _KEYS)
    factors = _mapping(section.get("factors"), "`factors`")
    if not factors:
        raise UserError("`factors` is missing: name what to change, with a list of values for each")
    for name, values in factors.items():
        if not isinstance(values, list) or not values:
            raise UserError(f"factor `{name}` needs a list of values, got {values!r}")
    design = section.get("design", DESIGNS[0])
    if design not in DESIGNS:
        raise UserError(unknown_name("design", design, DESIGNS))
    training = _mapping(section.get("training"), "`training`", _TRAINING_KEYS)
    base = dict(_mapping(section.get("base"), "`base`"))
    mixer = base.pop("mixer", None)
    architecture = from_dict({"base": base}).base
    if mixer is not None:
        architecture = _with_value(architecture, "mixer", mixer)
    interactions = _interactions(section.get("interactions"), factors, str(design))
    ablation = Ablation(architecture, factors, str(design), training, interactions)
    for changes in ablation._changes():  # so that a wrong value is known before data is read
        recipe = ablation._changed(architecture, changes).recipe_changes
        _check_recipe(recipe)
    return ablation


def _interactions(value: object, factors: Mapping[str, Any], design: str) -> list[tuple[str, str]]:
    if value is None:
        return []
    if design != DESIGNS[0]:
        raise UserError("`interactions` belong to design one-factor; a factorial has all of them")
    if not isinstance(value, list):
        raise UserError(f"`interactions` must be a list of pairs of factors, got {value!r}")
    pairs = []
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2 or pair[0] == pair[1]:
            raise UserError(f"an interaction must be a pair of different factors, got {pair!r}")
        for name in pair:
            if name not in factors:
                raise UserError(unknown_name("factor", name, factors))
        pairs.append((str(pair[0]), str(pair[1])))
    return pairs


def _check_recipe(changes: Mapping[str, Any]) -> None:
    names = [part.name for part in fields(Recipe)]
    for name, value in changes.items():
        if name not in names:
            raise UserError(unknown_name("field of the recipe", name, names))
        default = getattr(Recipe(epochs=1), name)
        allowed = (int, float) if type(default) is float else (type(default),)
        if type(value) not in allowed:
            raise UserError(
                f"recipe.{name} must be of type {type(default).__name__}, got {value!r}"
            )
    replace(Recipe(epochs=1), **changes)


def _with_value(base: LolvitConfig, factor: str, value: Any) -> LolvitConfig:
    """The architecture with one factor changed."""
    if factor == "resolution":
        raise UserError("resolution is no factor: all arms see the same images")
    if factor == _PLACEMENT:
        return _placed(base, str(value))
    space = Space(base, (Choice(factor, (value,)),), fixed_strides=True)
    return space.architecture({factor: value})


def _placed(base: LolvitConfig, value: str) -> LolvitConfig:
    """Fusion blocks in these stages only: as many as the base has there, at least one."""
    if value not in _PLACEMENTS:
        raise UserError(unknown_name("placement", value, _PLACEMENTS))
    blocks = [
        max(1, count) if stage in _PLACEMENTS[value] else 0
        for stage, count in zip((3, 4, 5), base.fusion_blocks, strict=True)
    ]
    return replace(base, fusion_blocks=tuple(blocks))


def _arm(name: str, architecture: LolvitConfig, recipe: Mapping[str, Any]) -> Arm:
    blocks = zip(architecture.mixers, architecture.fusion_blocks, strict=True)
    reconstructed = any(entry(mixer.name).reconstructed for mixer, count in blocks if count)
    return Arm(name, architecture, reconstructed, dict(recipe))


def _identity(arm: Arm) -> tuple[str, tuple[Change, ...]]:
    return arm.architecture.hash, tuple(sorted(arm.recipe_changes.items()))


def _matched(arm: Arm, base: LolvitConfig, match: str) -> Arm:
    """The arm at the width whose parameters or MACs are nearest to those of the base.

    Channels are whole and rounded, so costs grow in steps: all widths of a fine grid are tried,
    and of equally near ones the nearest to the arm's own is taken.
    """
    assert isinstance(arm.architecture, LolvitConfig)
    own, wanted = arm.architecture, getattr(analytic_costs(base), match)
    steps = range(-_WIDTH_STEPS, _WIDTH_STEPS + 1)
    widths = [own.width, *(round(own.width * 2 ** (step / _WIDTH_STEPS), 4) for step in steps)]

    def distance(width: float) -> tuple[int, float]:
        costs = analytic_costs(replace(own, width=width))
        return abs(getattr(costs, match) - wanted), abs(width - own.width)

    width = min((width for width in widths if width <= _LARGEST_WIDTH), key=distance)
    if width == own.width:
        return arm
    return replace(
        arm, name=f"{arm.name} (width {width:g})", architecture=replace(own, width=width)
    )


def _mapping(value: object, what: str, keys: Sequence[str] = ()) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise UserError(f"{what} must be a mapping, got {value!r}")
    for key in value:
        if keys and key not in keys:
            raise UserError(f"{what}: {unknown_name('key', key, keys)}")
    return value
