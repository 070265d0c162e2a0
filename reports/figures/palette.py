"""A colour and a marker for each arm, the same in every panel of every figure."""

from __future__ import annotations

# Okabe and Ito (2008), told apart with every common colour blindness; their yellow is left out
# because it vanishes on white. 7 colours and 6 markers share no divisor: 42 distinct arms.
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_MARKERS = ("o", "s", "^", "D", "v", "P")


def colour(index: int) -> str:
    """Of the arm at a place in its list."""
    return _COLOURS[index % len(_COLOURS)]


def marker(index: int) -> str:
    """Of the arm at a place in its list."""
    return _MARKERS[index % len(_MARKERS)]
