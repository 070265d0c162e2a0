"""What a user can get wrong in a search space, as one exception with a message of one line."""

from __future__ import annotations


class SpaceError(ValueError):
    """A mistake in a search space, or a point outside it; the message is one line."""


def one_line(error: BaseException) -> str:
    """The message of another error, on one line."""
    return " ".join(str(error).split()) or type(error).__name__
