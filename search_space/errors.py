"""What a user can get wrong in a search space, as one exception with a message of one line."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SpaceError(ValueError):
    """A mistake in a search space, or a point outside it; the message is one line."""


def nearest(word: object, known: Iterable[str]) -> str:
    """`did you mean 'x'? ` where a known word is near, else nothing."""
    near = difflib.get_close_matches(str(word), list(known), n=1, cutoff=0.5)
    return f"did you mean {near[0]!r}? " if near else ""


def one_line(error: BaseException) -> str:
    """The message of another error, on one line."""
    return " ".join(str(error).split()) or type(error).__name__
