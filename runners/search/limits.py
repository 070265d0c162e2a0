"""Hold the constraints of a space against the costs of an architecture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lolvit import LolvitConfig
from lolvit.analytic import analytic_costs
from runners.records.objectives import cost_value
from runners.records.record import Costs
from search_space import Constraint


def costs_from_formula(architecture: LolvitConfig) -> dict[str, float]:
    """The costs that a formula gives, before anything is built."""
    costs = analytic_costs(architecture)
    return {"macs": costs.macs, "params": costs.params}


@dataclass(frozen=True)
class Limits:
    """What an architecture may cost."""

    constraints: tuple[Constraint, ...] = ()

    @property
    def quantities(self) -> tuple[str, ...]:
        """Names of the bounded costs."""
        return tuple(dict.fromkeys(constraint.quantity for constraint in self.constraints))

    def excesses(self, costs: Costs | None) -> Mapping[str, float]:
        """By how much each constraint is violated, relative to its bound; measured costs only."""
        excesses = {}
        for constraint in self.constraints:
            value = cost_value(costs, constraint.quantity) if costs is not None else None
            if value is not None:
                excesses[str(constraint)] = constraint.excess(value)
        return excesses

    def find_violation(self, costs: Costs) -> str:
        """Describe every constraint that the costs violate; "" for none."""
        violations = []
        for constraint in self.constraints:
            value = cost_value(costs, constraint.quantity)
            if value is not None and constraint.excess(value) > 0:
                violations.append(f"{constraint.quantity} = {value:g} violates {constraint}")
        return "; ".join(violations)
