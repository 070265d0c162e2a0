"""The constraints of a space held against what is known of an architecture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lolvit import LolvitConfig
from lolvit.analytic import analytic_costs
from runners.records.record import Costs
from runners.search.objectives import cost_value
from search_space import Constraint


def costs_of(architecture: LolvitConfig) -> dict[str, float]:
    """What is known of an architecture by formula."""
    found = analytic_costs(architecture)
    return {"macs": found.macs, "params": found.params}


@dataclass(frozen=True)
class Limits:
    """What an architecture may cost."""

    constraints: tuple[Constraint, ...] = ()

    @property
    def quantities(self) -> tuple[str, ...]:
        """What is bounded."""
        return tuple(dict.fromkeys(each.quantity for each in self.constraints))

    def excesses(self, costs: Costs | None) -> Mapping[str, float]:
        """By how much, relative to its bound, each constraint is broken; those known so far."""
        found = {}
        for each in self.constraints:
            value = cost_value(costs, each.quantity) if costs is not None else None
            if value is not None:
                found[str(each)] = each.excess(value)
        return found

    def broken(self, costs: Costs) -> str:
        """What is broken, in words; "" where nothing is."""
        said = []
        for each in self.constraints:
            value = cost_value(costs, each.quantity)
            if value is not None and each.excess(value) > 0:
                said.append(f"{each.quantity} of {value:g} breaks {each}")
        return "; ".join(said)
