"""Paired effects: equal to scipy, and honest over families of arms."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from reports.statistics.effects import holm, paired_effect

FRACTIONS = st.lists(st.floats(0.0, 1.0), min_size=2, max_size=8)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_it_is_the_paired_t_test_of_scipy(data):
    n = data.draw(st.integers(2, 8))
    rng = np.random.default_rng(data.draw(st.integers(0, 10**6)))
    after, before = rng.normal(size=(2, n))
    effect, theirs = paired_effect(after, before), stats.ttest_rel(after, before)
    interval = theirs.confidence_interval()
    assert effect.p == pytest.approx(theirs.pvalue, rel=1e-9)
    assert (effect.low, effect.high) == pytest.approx((interval.low, interval.high), rel=1e-9)
    assert effect.difference == pytest.approx((after - before).mean())
    mirrored = paired_effect(before, after)
    assert (mirrored.p, mirrored.low) == pytest.approx((effect.p, -effect.high))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=9))
def test_holm_against_its_definition(p_values):
    adjusted = holm(p_values)
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    for level in (0.01, 0.05, 0.3):
        rejected = set()
        for rank, index in enumerate(order):  # step down until one is kept
            if (len(order) - rank) * p_values[index] > level:
                break
            rejected.add(index)
        assert {index for index, p in enumerate(adjusted) if p <= level} == rejected
    assert all(a >= p for a, p in zip(adjusted, p_values, strict=True))


def test_no_family_is_empty():
    assert holm([]) == []


# An arm's accuracy is its own noise and that of the seed, which all arms share.
@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("arms", [2, 8])
def test_families_of_equal_arms_make_a_false_claim_in_at_most_5_percent(seeds, arms):
    rng = np.random.default_rng(10 * seeds + arms)
    families, false = 2_000, 0
    for _ in range(families):
        images = 2_000
        accuracies = 0.85 + 0.004 * rng.normal(size=seeds) + 0.006 * rng.normal(size=(arms, seeds))
        accuracies = np.round(accuracies * images) / images
        p = [paired_effect(arm, accuracies[0], 1 / images).p for arm in accuracies[1:]]
        false += min(holm(p)) < 0.05
    # The 99.9 % upper limit of a count at exactly 5 %.
    assert false <= stats.binom.ppf(0.999, families, 0.05)


@pytest.mark.parametrize("seeds", [3, 5])
def test_the_detectable_effect_is_found_four_times_in_five(seeds):
    rng = np.random.default_rng(seeds)
    trials, sd = 4_000, 0.01
    size = paired_effect(np.arange(seeds) * 1.0, np.zeros(seeds))
    # Of a true spread: the detectable effect scales with the standard error alone.
    effect = size.detectable() / size.error * sd / np.sqrt(seeds)
    noise = sd * rng.normal(size=(trials, seeds))
    found = sum(paired_effect(effect + row, np.zeros(seeds)).p < 0.05 for row in noise)
    assert found / trials == pytest.approx(0.8, abs=0.025)
    assert size.detectable(7) > size.detectable()


def test_differences_that_happen_to_be_equal_prove_nothing():
    two = paired_effect([0.8505, 0.8605], [0.85, 0.86], resolution=1 / 2000)
    assert two.p > 0.05 and two.low < 0 < two.high
    assert paired_effect([0.5, 0.5], [0.5, 0.5]).p == 1.0
    assert paired_effect([1.0, 1.0, 1.0], [1.0, 1.0, 1.0], resolution=0.01).p == 1.0


@pytest.mark.parametrize(("after", "before"), [([0.1], [0.2]), ([], []), ([0.1, 0.2], [0.1])])
def test_fewer_than_two_pairs_have_no_effect(after, before):
    with pytest.raises(ValueError, match="at least two pairs"):
        paired_effect(after, before)
