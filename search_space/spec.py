"""A dimension as it stands in a file: a list of choices, or a range."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from attention_zoo import did_you_mean
from search_space.dimension import Choice, Dimension, Integer, Real
from search_space.errors import SpaceError
from search_space.slot import slot

_KEYS = ("choices", "low", "high", "step", "log", "when")
_EXAMPLE = "write a list, or low and high"


def dimension(name: str, spec: object) -> Dimension:
    """The dimension called `name` with the domain that a file gives it.

    Args:
        name: such as "width", "mixer.4", "fwa.window".
        spec: [values], {choices: [values]} or {low, high} with step or log; each with when or not.

    Raises:
        SpaceError: anything else.
    """
    place = slot(name)
    if isinstance(spec, list | tuple):
        return Choice(name, tuple(spec))
    if not isinstance(spec, Mapping):
        raise SpaceError(f"dimension {name!r}: {_EXAMPLE}, got {spec!r}")
    for key in spec:
        if key not in _KEYS:
            hint = did_you_mean(key, _KEYS)
            have = ", ".join(_KEYS)
            raise SpaceError(f"dimension {name!r} has no key {key!r}; {hint}there are: {have}")
    when = {} if spec.get("when") is None else spec["when"]
    if isinstance(when, Mapping):
        when = {key: v if isinstance(v, list | tuple) else [v] for key, v in when.items()}
    ranged = [key for key in ("low", "high", "step", "log") if key in spec]
    if "choices" in spec:
        if ranged:
            raise SpaceError(f"dimension {name!r} has choices, and so no {ranged[0]!r}")
        return Choice(name, spec["choices"], when=when)
    for key in ("low", "high"):
        if key not in spec:
            raise SpaceError(f"dimension {name!r} has no {key!r}: {_EXAMPLE}")
    numbers = {key: spec[key] for key in ranged}
    return _range(name, place.kinds, numbers)(name, **numbers, when=when)


def _range(
    name: str, kinds: frozenset[type], numbers: Mapping[str, Any]
) -> Callable[..., Dimension]:
    """Integer or Real, after the type of the field; if it takes any number, after the bounds."""
    if kinds and not kinds & {int, float}:
        raise SpaceError(f"dimension {name!r} takes no numbers: give a list of choices")
    if kinds & {int, float} == {float}:
        return Real
    if float in kinds or not kinds:
        whole = all(isinstance(numbers[key], int) for key in numbers if key != "log")
        return Integer if whole else Real
    return Integer
