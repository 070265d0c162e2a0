"""How much of a space its constraints leave."""

from __future__ import annotations

from dataclasses import replace

import pytest
from spaces import base_of

from search_space import Choice, Real, Space, SpaceError, require_feasible, survey


def costs(architecture):
    return {"macs": architecture.width * 1000, "params": sum(architecture.depths)}


WIDTHS = (Choice("width", (0.1, 0.2, 0.3, 0.4)),)


def space(*constraints, dimensions=WIDTHS):
    return Space(base_of(), dimensions, constraints)


def test_a_small_space_is_walked_through():
    found = survey(space("macs <= 300", "macs >= 150", "latency_ms <= 1"), costs)
    assert (found.draws, found.distinct, found.feasible_share) == (4, 4, 0.5)
    assert found.excluded == {"macs <= 300": 0.25, "macs >= 150": 0.25, "latency_ms <= 1": 0}
    assert found.examples == ({"width": 0.2}, {"width": 0.3})
    require_feasible(found)


def test_a_large_one_is_drawn_from_and_the_seed_decides():
    large = space("macs <= 300", dimensions=(Real("width", 0.1, 0.5),))
    one, again, other = (survey(large, costs, draws=200, seed=seed) for seed in (1, 1, 2))
    assert one == again != other
    assert one.draws == one.distinct == 200
    assert 0.3 < one.feasible_share < 0.7
    assert one.feasible_share + one.excluded["macs <= 300"] == pytest.approx(1)


def test_each_architecture_is_costed_once():
    asked = []

    def counted(architecture):
        asked.append(architecture.hash)
        return costs(architecture)

    doubled = space("params <= 9", dimensions=(Choice("blocks.3", (0,)), Choice("heads.4", (1, 2))))
    survey(doubled, counted)
    assert len(asked) == len(set(asked)) == 2


def test_an_impossible_constraint_is_refused_in_one_line():
    found = survey(space("macs <= 50", "params <= 5", "macs >= 10"), costs)
    assert found.feasible_share == 0
    with pytest.raises(SpaceError, match=r"none of 4 .*'macs <= 50'.* 100%.* has 100$"):
        require_feasible(found)
    with pytest.raises(SpaceError, match="at least 1 draw"):
        survey(space(), costs, draws=0)


def test_without_constraints_everything_is_feasible():
    found = survey(replace(space(), constraints=()), costs)
    assert (found.feasible_share, found.excluded) == (1, {})
