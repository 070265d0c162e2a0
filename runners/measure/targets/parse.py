"""Parse the text form of a target; imports no torch, except for timm models."""

from __future__ import annotations

import importlib.util
import re

from attention_zoo import did_you_mean, entries
from lolvit import VARIANTS, variant
from lolvit.plan import heads_for
from runners import arms
from runners.measure.targets.factory import FactoryTarget, search_working_directory
from runners.measure.targets.network import MixerTarget, NetworkTarget
from runners.measure.targets.target import InputShape, Target, TargetError
from runners.measure.targets.timm import find_timm_model

_MAP = InputShape(64, 56, 56)
"""Its channels are those of sizes without any, such as fwa@28."""
_IMAGE = InputShape(3, 224, 224)
_FACTORY = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


def parse_target(text: str, heads: int = 4) -> Target:
    """The target that `text` names.

    fwa@56x56x64           a mixer on a map of height x width x channels
    fwa:window=7@28x28x96  a mixer with options
    lolvit_xs, lolvit_xs@192, lolvit_xs@32x32x1    a network, at its own size or another
    timm:mobilevit_xs      a model of timm
    package.module:make    the network that a function returns, on 224x224x3 by default

    Args:
        text: the target.
        heads: of single mixers; fewer if a head would have less than 8 channels.

    Raises:
        TargetError: the name is unknown, the size is zero or not square, or a mixer has none.
        UserError, MixerError: a mixer option is unknown.
        ArchitectureError: the network does not exist at this size.
    """
    name, at, size = text.rpartition("@") if "@" in text else (text, "", "")
    if at and not size:
        raise TargetError(f"{text}: a size must follow @, as in {name}@56x56x64")
    kind, colon, rest = name.partition(":")
    if name in VARIANTS:
        return _network(text, name, _shape(text, size, None))
    if kind in entries():
        return _mixer(name, _shape(text, size, _MAP), heads)
    if kind == "timm" and colon:
        return find_timm_model(text, rest, _shape(text, size, None))
    if _FACTORY.fullmatch(name) and _is_module(kind):
        return FactoryTarget(text, kind, rest, _shape(text, size, None) or _IMAGE)
    raise TargetError(_unknown_target(name, kind, rest))


def _network(text: str, name: str, shape: InputShape | None) -> NetworkTarget:
    changes = {"in_channels": shape.channels} if shape else {}
    architecture = variant(name, resolution=shape.height if shape else None, **changes)
    return NetworkTarget(text, architecture, name.startswith("lolvit"))


def _mixer(name: str, shape: InputShape | None, heads: int) -> MixerTarget:
    mixer = arms.mixers([name])[name]
    if shape is None:
        raise TargetError(f"{name}: name the size of its map, as in {name}@56x56x64")
    width = shape.channels
    name = f"{name}@{shape.height}x{shape.width}x{width}"
    return MixerTarget(name, mixer, width, heads_for(width, heads), shape.height)


def _shape(text: str, size: str, default: InputShape | None) -> InputShape | None:
    """`56`, `56x56` or `56x56x64`: height, width, channels; None if there is no size."""
    if not size:
        return None
    parts = size.split("x")
    if not all(part.isascii() and part.isdigit() for part in parts) or len(parts) > 3:
        raise TargetError(f"{text}: write the size as 56x56x64 (height, width, channels) or as 56")
    numbers = [int(part) for part in parts]
    height, width = numbers[0], numbers[min(1, len(numbers) - 1)]
    channels = numbers[2] if len(numbers) == 3 else (default or _IMAGE).channels
    if min(height, width, channels) < 1:
        raise TargetError(f"{text}: every size must be at least 1")
    if height != width:
        raise TargetError(f"{text}: maps and images must be square, {height}x{width} is not")
    return InputShape(channels, height, width)


def _is_module(name: str) -> bool:
    """Whether Python can import it, from the working directory too; imports only its parents."""
    search_working_directory()
    try:
        return importlib.util.find_spec(name) is not None
    except (ImportError, AttributeError, ValueError):
        return False
    except Exception:  # raised by a parent: importing the module will report it
        return True


def _unknown_target(name: str, kind: str, rest: str) -> str:
    hint = did_you_mean(kind, (*entries(), *VARIANTS))
    if rest and "=" not in rest:
        hint = hint or "check the spelling and PYTHONPATH"
        return f"unknown target {name!r}: there is no module {kind!r}; {hint.strip()}"
    return (
        f"unknown target {name!r}; {hint}{'A' if hint else 'a'} target is a mixer (fwa@56x56x64), "
        "a network (lolvit_xs), timm:MODEL or package.module:function"
    )
