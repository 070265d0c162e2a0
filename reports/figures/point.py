"""A point of the figure: one arm in one panel. No matplotlib in it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Point:
    """One arm in one panel; x and y in the panel's units, bars as lengths (down, up)."""

    label: str
    style: int
    x: float
    y: float
    x_bar: tuple[float, float]
    y_bar: tuple[float, float]
    on_front: bool
