"""The error that an invalid search space raises."""

from __future__ import annotations


class SpaceError(ValueError):
    """An invalid search space, or a point outside of it; the message is one line."""


def one_line(error: BaseException) -> str:
    """Return the message of another error, on one line."""
    return " ".join(str(error).split()) or type(error).__name__
