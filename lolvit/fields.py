"""Checks of the fields of an architecture, and their one spelling."""

from __future__ import annotations


class ArchitectureError(ValueError):
    """A choice that no network can have; the message names field, value and what is allowed."""


def check_whole(name: str, value: object, *, least: int) -> None:
    """Raise ArchitectureError unless value is a whole number of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ArchitectureError(f"{name} must be a whole number of at least {least}, got {value!r}")


def set_field(config: object, name: str, value: object) -> None:
    """Normalise a field of a frozen dataclass while it is being made."""
    object.__setattr__(config, name, value)


def set_tuple(config: object, name: str) -> None:
    """Make a list a tuple; raise ArchitectureError for a field that is neither."""
    value = getattr(config, name)
    if not isinstance(value, list | tuple):
        raise ArchitectureError(f"{name} must be a list, got {value!r}")
    set_field(config, name, tuple(value))


def real(name: str, value: object) -> float:
    """As a float, so that equal values have equal texts: 1 becomes 1.0, -0.0 becomes 0.0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ArchitectureError(f"{name} must be a number, got {value!r}")
    return float(value) + 0.0


def check_length(name: str, values: tuple[object, ...], length: int) -> None:
    """Raise ArchitectureError for more or fewer entries."""
    if len(values) != length:
        raise ArchitectureError(f"{name} must have {length} entries, got {values}")
