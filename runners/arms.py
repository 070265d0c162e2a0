"""Resolve what a user types to the architectures to compare. No torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from attention_zoo import did_you_mean, entries, entry
from lolvit import VARIANTS, Architecture, MixerConfig, accepts_mixer, variant
from runners.records.errors import UserError

_SMALL_IMAGE = 48


@dataclass(frozen=True)
class ImageKind:
    """Side, channels and classes of the images of a data set."""

    resolution: int
    in_channels: int
    num_classes: int


@dataclass(frozen=True)
class Arm:
    """One row of a comparison: name, architecture, whether its mixer follows an abstract only.

    `recipe_changes` are fields of the recipe that differ from those of the other arms.
    """

    name: str
    architecture: Architecture
    reconstructed: bool
    recipe_changes: Mapping[str, Any] = field(default_factory=dict)


def check(names: Sequence[str], host: str | None) -> None:
    """Raise UserError or MixerError for the first name that cannot be an arm; reads no data."""
    if not names:
        raise UserError("name at least one mixer to compare; bench.py list shows all mixers")
    for index, name in enumerate(names):
        if name in names[:index]:
            raise UserError(
                f"{name!r} is named twice; to compare it with itself (A/A), add --repeat {name}"
            )
        if name not in VARIANTS:
            _mixer(name)
    if host is not None and not accepts_mixer(host):
        hosts = ", ".join(name for name in VARIANTS if accepts_mixer(name))
        near = "" if host in VARIANTS else did_you_mean(host, VARIANTS)
        raise UserError(f"variant {host!r} cannot host mixers; {near}take one of: {hosts}")


def resolve(
    names: Sequence[str], host: str | None, image: ImageKind, repeats: Sequence[str] = ()
) -> list[Arm]:
    """The arms called `names`, all for one kind of image, then their repetitions.

    Args:
        names: mixers ("fwa", "window:window=4"), each put into `host`, or whole networks
            ("ghostnet_1.0", "mobilevit_xs").
        host: the LOLViT variant that hosts the mixers; None picks one for the resolution.
        image: the input of the networks.
        repeats: of `names`: arms to compare with themselves (A/A).

    Raises:
        UserError: no name, a name twice, an unknown name, two names of one architecture, a host
            without fusion blocks, or a repetition of no arm.
        ArchitectureError: no such network at this resolution.
        MixerError: unknown option.
    """
    check(names, host)
    arms = {name: _arm(name, host or default_host(image.resolution), image) for name in names}
    first: dict[str, str] = {}
    for name, arm in arms.items():
        same = first.setdefault(arm.architecture.hash, name)
        if same != name:
            raise UserError(
                f"{name!r} is the same architecture as {same!r}; leave one of them out, or add "
                f"--repeat {same} to compare it with itself (A/A)"
            )
    repeated = []
    for index, name in enumerate(repeats):
        if name not in arms:
            raise UserError(f"--repeat {name}: no arm has this name; arms: {', '.join(arms)}")
        number = [*repeats[:index]].count(name) + 1
        label = f"{name} (repeat)" if number == 1 else f"{name} (repeat {number})"
        repeated.append(replace(arms[name], name=label))
    return [*arms.values(), *repeated]


def mixers(names: Sequence[str]) -> dict[str, MixerConfig]:
    """The mixers called `names`, by the name as typed; no networks.

    Raises:
        UserError: a name twice, or unknown.
        MixerError: unknown option.
    """
    for index, name in enumerate(names):
        if name in names[:index]:
            raise UserError(f"{name!r} is named twice")
    return {name: _mixer(name) for name in names}


def default_host(resolution: int) -> str:
    """The variant that hosts mixers when none is asked for."""
    return "lolvit_nano" if resolution <= _SMALL_IMAGE else "lolvit_xs"


def _arm(name: str, host: str, image: ImageKind) -> Arm:
    if name in VARIANTS:
        architecture = variant(name, **asdict(image))
        return Arm(name, architecture, reconstructed=name.startswith("lolvit"))
    mixer = _mixer(name)
    architecture = variant(host, mixers=(mixer,) * 3, **asdict(image))
    return Arm(name, architecture, entry(mixer.name).reconstructed)


def _mixer(text: str) -> MixerConfig:
    name = text.partition(":")[0]
    if name not in entries():
        hint = did_you_mean(name, (*entries(), *VARIANTS))
        available = ", ".join(sorted(entries()))
        raise UserError(f"unknown mixer {name!r}; {hint}available mixers: {available}")
    return MixerConfig.parse(text)
