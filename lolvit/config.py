"""An architecture is data: frozen, torch-free, with one canonical JSON form and a stable hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from math import prod
from typing import Any, ClassVar

from attention_zoo import did_you_mean
from lolvit.fields import (
    ArchitectureError,
    check_integer,
    check_length,
    set_field,
    set_tuple,
    to_float,
)
from lolvit.mixer_config import MixerConfig

DOWNSAMPLINGS = ("strided", "deformable")
FUSIONS = ("ghost", "concat", "add", "gate", "serial")
SQUEEZES = ("table", "all", "none")
KERNELS = (0, 3, 5, 7)
MOBILEVIT_SIZES = ("xxs", "xs", "s")
FULL_DEPTHS = (1, 2, 2, 6, 5)
FULL_STRIDES = (2, 2, 2, 2, 2)


@dataclass(frozen=True)
class Architecture:
    """The fields that all families of networks share.

    Args:
        resolution: side of the square input in pixels.
        in_channels: 1 (grey) or 3 (colour), any number works.
        num_classes: outputs of the classifier.
        strides: strides of the stem and of the first block of stages 2 to 5.
    """

    family: ClassVar[str]

    resolution: int = 224
    in_channels: int = 3
    num_classes: int = 1000
    strides: tuple[int, ...] = FULL_STRIDES

    def __post_init__(self) -> None:
        set_tuple(self, "strides")
        for name in ("resolution", "in_channels", "num_classes"):
            check_integer(name, getattr(self, name), least=1)
        # By type too: True and 2.0 would be equal to 1 and 2, and yet have another hash.
        if len(self.strides) != 5 or any(
            type(s) is not int or s not in (1, 2) for s in self.strides
        ):
            raise ArchitectureError(f"strides must be five of 1 or 2, got {self.strides}")
        if self.resolution < prod(self.strides):
            raise ArchitectureError(
                f"resolution must be at least the total stride of {prod(self.strides)}, "
                f"got {self.resolution}"
            )

    def canonical(self) -> str:
        """The one JSON text of this architecture: equal architectures, equal texts.

        Fields at their default are left out, so that a choice added later changes no older hash.
        """
        defaults = type(self)().to_dict()
        changed = {key: value for key, value in self.to_dict().items() if value != defaults[key]}
        changed["family"] = self.family
        return json.dumps(changed, sort_keys=True, separators=(",", ":"))

    def to_dict(self) -> dict[str, Any]:
        """The fields and the family as plain JSON types."""
        data: dict[str, Any] = json.loads(json.dumps(asdict(self)))
        return {"family": self.family, **data}

    @property
    def hash(self) -> str:
        """16 hexadecimal digits of the SHA-256 of the canonical form."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()[:16]


@dataclass(frozen=True)
class LolvitConfig(Architecture):
    """A LOLViT; with `fusion_blocks=(0, 0, 0)` it is GhostNet.

    Args:
        width: multiplies every channel count of the GhostNet table.
        stage_widths: multiply the channels of stages 1 to 5 once more.
        expansions: multiply the expanded channels of the bottlenecks of stages 1 to 5.
        kernels: of the depthwise convolutions that stride, or change channels, in stages 1 to 5;
            0 keeps GhostNet's own.
        squeeze: which bottlenecks have squeeze-excite: those of GhostNet's "table", "all", "none".
        depths: Ghost bottlenecks kept in stages 1 to 5, from the first on.
        downsampling: how stages 2 to 5 halve their map: by a "strided" depthwise convolution in
            their first bottleneck, or by "deformable" token merging before it.
        fusion_blocks: how many global-local fusion blocks stages 3, 4 and 5 have.
        fusion_after: the bottleneck of its stage, counted from 1, that these blocks follow; 0, and
            the last one's number, is the end of the stage.
        fusion: how a block joins local and global: "ghost", "concat", "add", "gate" or "serial".
        mixers: the global branch of stages 3, 4 and 5.
        heads: upper bound of heads in stages 3, 4 and 5; a head has at least 8 channels.
        trunk_channels: channels of the last 1x1 convolution at width 1.
        feature_channels: channels between pooling and classifier.
    """

    family: ClassVar[str] = "lolvit"

    width: float = 1.0
    stage_widths: tuple[float, ...] = (1.0,) * 5
    expansions: tuple[float, ...] = (1.0,) * 5
    kernels: tuple[int, ...] = (0,) * 5
    squeeze: str = "table"
    depths: tuple[int, ...] = FULL_DEPTHS
    downsampling: str = "strided"
    fusion_blocks: tuple[int, ...] = (1, 2, 2)
    fusion_after: tuple[int, ...] = (0, 0, 0)
    fusion: str = "ghost"
    mixers: tuple[MixerConfig, ...] = (MixerConfig(),) * 3
    heads: tuple[int, ...] = (1, 4, 4)
    trunk_channels: int = 960
    feature_channels: int = 1280
    dropout: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("depths", "fusion_blocks", "fusion_after", "mixers", "heads", "kernels"):
            set_tuple(self, name)
        for name in ("width", "dropout"):
            set_field(self, name, to_float(name, getattr(self, name)))
        for name in ("stage_widths", "expansions"):
            set_tuple(self, name)
            set_field(self, name, tuple(to_float(name, value) for value in getattr(self, name)))
            check_length(name, getattr(self, name), 5)
        for name in ("stage_widths", "expansions", "width"):
            values = (self.width,) if name == "width" else getattr(self, name)
            if wrong := [value for value in values if not 0 < value <= 8]:
                raise ArchitectureError(f"{name} must be above 0 and at most 8, got {wrong[0]}")
        if not 0 <= self.dropout < 1:
            raise ArchitectureError(f"dropout must be in [0, 1), got {self.dropout}")
        for name, allowed in _CHOICES.items():
            if (value := getattr(self, name)) not in allowed:
                raise ArchitectureError(f"{name} must be one of {allowed}, got {value!r}")
        check_integer("trunk_channels", self.trunk_channels, least=4)
        check_integer("feature_channels", self.feature_channels, least=1)
        for name, length, least in _INTEGERS:
            values = getattr(self, name)
            check_length(name, values, length)
            for value in values:
                check_integer(name, value, least=least)
        if any(kept > full for kept, full in zip(self.depths, FULL_DEPTHS, strict=True)):
            raise ArchitectureError(f"depths must be at most {FULL_DEPTHS}, got {self.depths}")
        if wrong := [kernel for kernel in self.kernels if kernel not in KERNELS]:
            raise ArchitectureError(f"kernels must be of {KERNELS}, got {wrong[0]}")
        # One spelling for the end of a stage: equal networks, equal hashes.
        ends = zip(self.fusion_after, self.depths[2:], strict=True)
        set_field(
            self, "fusion_after", tuple(0 if after >= depth else after for after, depth in ends)
        )
        check_length("mixers", self.mixers, 3)
        for mixer in self.mixers:
            if not isinstance(mixer, MixerConfig):
                raise ArchitectureError(f"mixers must be made of MixerConfig, got {mixer!r}")


_CHOICES = {"fusion": FUSIONS, "downsampling": DOWNSAMPLINGS, "squeeze": SQUEEZES}
# Name, number of entries, minimum.
_INTEGERS = (
    ("fusion_blocks", 3, 0),
    ("fusion_after", 3, 0),
    ("heads", 3, 1),
    ("depths", 5, 1),
    ("kernels", 5, 0),
)


@dataclass(frozen=True)
class MobileVitConfig(Architecture):
    """A MobileViT (arXiv 2110.02178); `size` is "xxs", "xs" or "s"."""

    family: ClassVar[str] = "mobilevit"

    size: str = "xs"
    resolution: int = 256

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.size not in MOBILEVIT_SIZES:
            raise ArchitectureError(f"size must be one of {MOBILEVIT_SIZES}, got {self.size!r}")


def from_dict(data: dict[str, Any]) -> Architecture:
    """The architecture whose `to_dict` this is; raises ArchitectureError for anything else."""
    data = dict(data)
    family = data.pop("family", None)
    kinds: dict[str, type[Architecture]] = {k.family: k for k in (LolvitConfig, MobileVitConfig)}
    if not isinstance(family, str) or family not in kinds:
        raise ArchitectureError(f"family must be one of {tuple(kinds)}, got {family!r}")
    mixers = data.get("mixers")
    if isinstance(mixers, list | tuple):
        data["mixers"] = [MixerConfig.from_dict(mixer) for mixer in mixers]
    return from_fields(kinds[family], data)


def from_fields(kind: type[Architecture], values: dict[str, Any]) -> Architecture:
    """An architecture of a family; raises ArchitectureError for a field that it does not have."""
    names = sorted(field.name for field in fields(kind))
    if unknown := sorted(set(values) - set(names)):
        hint = did_you_mean(unknown[0], names)
        raise ArchitectureError(
            f"{kind.family} has no field {unknown[0]!r}; {hint}it has: {', '.join(names)}"
        )
    return kind(**values)
