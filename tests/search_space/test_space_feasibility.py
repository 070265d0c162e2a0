"""Surveys: which share of a space meets its constraints."""

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


def test_small_space_is_enumerated():
    result = survey(space("macs <= 300", "macs >= 150", "latency_ms <= 1"), costs)
    assert (result.draws, result.distinct, result.feasible_share) == (4, 4, 0.5)
    assert result.excluded == {"macs <= 300": 0.25, "macs >= 150": 0.25, "latency_ms <= 1": 0}
    assert result.examples == ({"width": 0.2}, {"width": 0.3})
    require_feasible(result)


def test_large_space_is_sampled_by_seed():
    large = space("macs <= 300", dimensions=(Real("width", 0.1, 0.5),))
    first, repeated, other = (survey(large, costs, draws=200, seed=seed) for seed in (1, 1, 2))
    assert first == repeated != other
    assert first.draws == first.distinct == 200
    assert 0.3 < first.feasible_share < 0.7
    assert first.feasible_share + first.excluded["macs <= 300"] == pytest.approx(1)


def test_costs_of_an_architecture_are_computed_once():
    computed = []

    def count_costs(architecture):
        computed.append(architecture.hash)
        return costs(architecture)

    two_of_each = space(
        "params <= 9", dimensions=(Choice("blocks.3", (0,)), Choice("heads.4", (1, 2)))
    )
    survey(two_of_each, count_costs)
    assert len(computed) == len(set(computed)) == 2


def test_infeasible_space_names_the_worst_constraint():
    result = survey(space("macs <= 50", "params <= 5", "macs >= 10"), costs)
    assert result.feasible_share == 0
    with pytest.raises(SpaceError, match=r"none of 4 .*'macs <= 50'.* 100%.* has 100$"):
        require_feasible(result)
    with pytest.raises(SpaceError, match="at least 1 draw"):
        survey(space(), costs, draws=0)


def test_everything_is_feasible_without_constraints():
    result = survey(replace(space(), constraints=()), costs)
    assert (result.feasible_share, result.excluded) == (1, {})


def test_examples_are_different_architectures():
    surveys = [survey(space("macs <= 1000"), costs, draws=3, seed=seed) for seed in range(5)]
    assert any(result.distinct < result.draws for result in surveys)
    for result in surveys:
        assert len(result.examples) == result.distinct
