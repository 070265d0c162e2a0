"""The named networks: LOLViT's sizes and the baselines they are compared with."""

from __future__ import annotations

from typing import Any

from attention_zoo import unknown_name
from lolvit.config import FULL_STRIDES, Architecture, LolvitConfig, MobileVitConfig, from_fields
from lolvit.fields import ArchitectureError, check_integer

_LOLVIT: dict[str, dict[str, Any]] = {
    # Trains in a minute on a laptop's CPU: for images of 28 to 48 pixels.
    "lolvit_nano": {
        "width": 0.25,
        "depths": (1, 1, 1, 1, 1),
        "fusion_blocks": (1, 1, 1),
        "heads": (1, 2, 4),
        "feature_channels": 160,
        "dropout": 0.0,
    },
    "lolvit_xxs": {"width": 0.35, "fusion_blocks": (1, 1, 1), "feature_channels": 640},
    "lolvit_xs": {"width": 0.5},
    "lolvit_s": {"width": 1.0},
    "lolvit_m": {"width": 1.3},
    "ghostnet_0.5": {"width": 0.5, "fusion_blocks": (0, 0, 0)},
    "ghostnet_1.0": {"width": 1.0, "fusion_blocks": (0, 0, 0)},
    "ghostnet_1.3": {"width": 1.3, "fusion_blocks": (0, 0, 0)},
}
_MOBILEVIT = {f"mobilevit_{size}": size for size in ("xxs", "xs", "s")}

# "LOLViT-X" of the abstract is read as the extra-small class: MobileViT's sizes are XXS, XS and S.
_ALIASES = {"lolvit_x": "lolvit_xs"}

VARIANTS = (*_LOLVIT, *_ALIASES, *_MOBILEVIT)


def variant(name: str, *, resolution: int | None = None, **changes: Any) -> Architecture:
    """The architecture called `name`, for a resolution, with `changes` to its fields.

    Small images get smaller strides, unless `changes` has `strides`.

    Raises:
        ArchitectureError: unknown name, or a change that no network can have.
    """
    if name not in VARIANTS:
        raise ArchitectureError(unknown_name("variant", name, VARIANTS))
    kind: type[Architecture] = MobileVitConfig if name in _MOBILEVIT else LolvitConfig
    own = {"size": _MOBILEVIT[name]} if name in _MOBILEVIT else _LOLVIT[_ALIASES.get(name, name)]
    side = kind.resolution if resolution is None else resolution
    check_integer("resolution", side, least=1)
    return from_fields(kind, {"resolution": side, "strides": strides_for(side), **own, **changes})


def strides_for(resolution: int) -> tuple[int, ...]:
    """Strides for attention maps of about 16, 8 and 4 pixels a side on small images."""
    if resolution <= 48:
        return (2, 1, 1, 2, 2)
    if resolution <= 96:
        return (2, 2, 1, 2, 2)
    return FULL_STRIDES


def accepts_mixer(name: str) -> bool:
    """Whether the variant has fusion blocks, whose mixer can be chosen."""
    name = _ALIASES.get(name, name)
    return name in _LOLVIT and sum(_LOLVIT[name].get("fusion_blocks", (1, 2, 2))) > 0
