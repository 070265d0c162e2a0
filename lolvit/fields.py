"""Check the fields of an architecture, and normalize them so that equal values look equal."""

from __future__ import annotations


class ArchitectureError(ValueError):
    """A value that no network can have; the message names field, value and what is allowed."""


def check_integer(name: str, value: object, *, least: int) -> None:
    """Raise ArchitectureError unless value is an integer of at least `least`."""
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ArchitectureError(f"{name} must be an integer of at least {least}, got {value!r}")


def set_field(config: object, name: str, value: object) -> None:
    """Set a field of a frozen dataclass in its `__post_init__`."""
    object.__setattr__(config, name, value)


def set_tuple(config: object, name: str) -> None:
    """Convert a list to a tuple; raise ArchitectureError for a field that is neither."""
    value = getattr(config, name)
    if not isinstance(value, list | tuple):
        raise ArchitectureError(f"{name} must be a list, got {value!r}")
    set_field(config, name, tuple(value))


def to_float(name: str, value: object) -> float:
    """The value as a float, equal values as equal texts: 1 becomes 1.0, -0.0 becomes 0.0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ArchitectureError(f"{name} must be a number, got {value!r}")
    return float(value) + 0.0


def check_length(name: str, values: tuple[object, ...], length: int) -> None:
    """Raise ArchitectureError for more or fewer entries."""
    if len(values) != length:
        raise ArchitectureError(f"{name} must have {length} entries, got {values}")
