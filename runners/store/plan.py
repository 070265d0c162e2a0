"""Compare two plans, by dotted names."""

from __future__ import annotations

from typing import Any

_DEPTH = 3


def changed(one: Any, other: Any, name: str = "") -> list[str]:
    """Names of what differs, as in "space.dimensions.width"; deeper down it is named as a whole."""
    if one == other:
        return []
    both = isinstance(one, dict) and isinstance(other, dict)
    if not both or name.count(".") + 1 >= _DEPTH:
        return [name]
    names = []
    for key in sorted(one | other):
        inner = f"{name}.{key}" if name else key
        names += changed(one.get(key), other.get(key), inner) if key in one | other else []
    return names
