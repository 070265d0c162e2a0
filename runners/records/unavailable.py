"""The reason why there is no value, where one was to be measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Unavailable:
    """The reason why a value was not measured, in place of the value.

    Args:
        reason: one line.
        is_user_error: whether the user's own mistake is the reason.
    """

    reason: str
    is_user_error: bool = False

    def __str__(self) -> str:
        return self.reason
