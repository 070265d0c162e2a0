"""Errors about mixers, and messages for unknown names with the nearest valid name."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

_LONGEST_NAME = 200
"""In characters: comparing megabytes with every name takes minutes."""


class MixerError(ValueError):
    """An unknown mixer, an unknown option or a value out of range; the message is one line."""


def did_you_mean(name: object, choices: Iterable[str]) -> str:
    """`did you mean 'x'? ` for the choice nearest to `name`, or nothing where none is near."""
    if len(str(name)) > _LONGEST_NAME:
        return ""
    matches = difflib.get_close_matches(str(name), list(choices), n=1, cutoff=0.5)
    return f"did you mean {matches[0]!r}? " if matches else ""


def unknown_name(kind: str, name: object, choices: Iterable[str]) -> str:
    """`unknown KIND 'name'; did you mean 'x'? Available: x, y, z`."""
    choices = list(choices)
    hint = did_you_mean(name, choices)
    available = "Available" if hint else "available"
    return f"unknown {kind} {name!r}; {hint}{available}: {', '.join(choices)}"
