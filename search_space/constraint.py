"""Bounds on the costs of an architecture: "macs <= 300e6", "latency_ms <= 12.5"."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass

from attention_zoo import unknown_name
from search_space.dimension import is_number
from search_space.errors import SpaceError

# Whether the quantity follows from the architecture alone, so that nothing needs to be measured.
QUANTITIES = {"macs": True, "params": True, "latency_ms": False, "peak_memory_bytes": False}
_PATTERN = re.compile(r"\s*([^\s<>=]+)\s*(<=|>=)\s*([^\s<>=]+)\s*")


@dataclass(frozen=True)
class Constraint:
    """An upper or lower bound on a quantity.

    Args:
        quantity: "macs", "params", "latency_ms" or "peak_memory_bytes".
        at_most: whether the bound is an upper one.
        bound: above 0, in the quantity's unit.
    """

    quantity: str
    at_most: bool
    bound: float

    def __post_init__(self) -> None:
        if self.quantity not in QUANTITIES:
            raise SpaceError(unknown_name("constraint quantity", self.quantity, QUANTITIES))
        if not is_number(self.bound) or self.bound <= 0:
            raise SpaceError(
                f"the bound of {self.quantity} must be a number above 0, got {self.bound!r}"
            )

    @property
    def is_analytic(self) -> bool:
        """Whether it can be checked without running the network."""
        return QUANTITIES[self.quantity]

    def excess(self, value: float) -> float:
        """Return the violation relative to the bound: above 0 if violated, inf for NaN."""
        if math.isnan(value):
            return math.inf
        difference = value - self.bound if self.at_most else self.bound - value
        return difference / self.bound

    def __str__(self) -> str:
        short = f"{self.bound:.6g}"
        number = short if float(short) == self.bound else repr(self.bound)
        return f"{self.quantity} {'<=' if self.at_most else '>='} {number}"


def parse_constraint(text: object) -> Constraint:
    """Parse `quantity <= number` or `quantity >= number`; raises SpaceError for anything else."""
    match = _PATTERN.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise SpaceError(
            f"a constraint is `quantity <= number` or `quantity >= number`, got {text!r}"
        )
    quantity, sign, number = match.groups()
    try:
        bound = float(number)
    except ValueError:
        bound = math.nan
    if math.isnan(bound):
        raise SpaceError(f"constraint {text!r}: {number!r} is not a number")
    return Constraint(quantity, sign == "<=", bound)


def check_constraints(constraints: tuple[Constraint, ...]) -> None:
    """Raise SpaceError for duplicate bounds, and for bounds that exclude every value."""
    bounds: dict[tuple[str, bool], Constraint] = {}
    for constraint in constraints:
        other = bounds.setdefault((constraint.quantity, constraint.at_most), constraint)
        if other is not constraint:
            raise SpaceError(
                f"constraints '{other}' and '{constraint}' bound the same side; keep one"
            )
    for (quantity, at_most), upper in bounds.items():
        lower = bounds.get((quantity, False))
        if at_most and lower is not None and lower.bound > upper.bound:
            raise SpaceError(f"constraints '{lower}' and '{upper}' exclude every architecture")
