"""One column of a table: heading, cells, and the cells that hold the best value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import floor, log10


@dataclass(frozen=True)
class Column:
    """A column: its heading in two parts, one cell per row, and the rows with the best value."""

    key: str
    name: str
    unit: str
    cells: tuple[str, ...]
    best: frozenset[int] = frozenset()
    """Rows with the best value as printed; empty where values are not ranked."""
    number: bool = True
    """Right-aligned."""

    @property
    def heading(self) -> str:
        """Name and unit in one line."""
        return f"{self.name} ({self.unit})" if self.unit else self.name


def scaled(key: str, name: str, counts: Sequence[int | None], *, rank: bool = True) -> Column:
    """A column of counts in k or M, by the largest: one unit per column."""
    scale, unit = unit_of(max((c or 0 for c in counts), default=0))
    values = [None if count is None else count / scale for count in counts]
    return plain(key, name, unit, values, min if rank else None)


def unit_of(largest: float) -> tuple[float, str]:
    """The unit of a column of counts by its largest one: k below a million, else M."""
    return (1e3, "k") if largest < 1e6 else (1e6, "M")


def plain(
    key: str,
    name: str,
    unit: str,
    values: Sequence[float | None],
    best: Callable[[Sequence[float]], float] | None,
) -> Column:
    """A column of numbers in `unit`, all with equal decimals so that they line up.

    `best` is min, max, or None where values are not ranked.
    """
    digits = _decimals([value for value in values if value is not None])
    cells = tuple("" if value is None else f"{value:,.{digits}f}" for value in values)
    printed = [None if value is None else round(value, digits) for value in values]
    return Column(key, name, unit, cells, best_of(printed, best) if best else frozenset())


def _decimals(values: Sequence[float]) -> int:
    """As many as the smallest value needs for three significant digits, three at most."""
    smallest = min((abs(value) for value in values if value), default=1.0)
    return min(3, max(0, 2 - floor(log10(smallest))))


def ratio_cell(ratio: float, low: float, high: float, *, claimed: bool) -> str:
    """A ratio with its interval; where a difference is claimed, no end is printed as 1."""
    gap = min(abs(low - 1), abs(high - 1)) if claimed else 1.0
    digits = next((d for d in (2, 3) if gap >= 0.5 * 10**-d), 4)
    return f"{ratio:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def best_of(
    values: Sequence[float | None], pick: Callable[[Sequence[float]], float]
) -> frozenset[int]:
    """Rows that hold the best of at least two values."""
    present = [value for value in values if value is not None]
    if len(present) < 2:
        return frozenset()
    return frozenset(row for row, value in enumerate(values) if value == pick(present))
