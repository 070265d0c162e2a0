"""The reason why a value was not measured, in place of the value."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Unavailable:
    """A value that could not be measured.

    Args:
        reason: one line.
        is_user_error: whether the user's own mistake is the reason.
    """

    reason: str
    is_user_error: bool = False

    def __str__(self) -> str:
        return self.reason
