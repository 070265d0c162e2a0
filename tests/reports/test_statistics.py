"""Properties of the intervals, and what they claim in simulated benchmarks."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.statistics import mean_interval, ratio_interval, separable, wilson_interval

TIMES = st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=30)
PAIRS = st.lists(st.tuples(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3)), min_size=1, max_size=30)
FEW = settings(max_examples=50, deadline=None)


@FEW
@given(TIMES)
def test_a_sample_is_not_separable_from_itself(samples):
    ratio, low, high = ratio_interval(samples, samples, resamples=200)
    assert (ratio, low, high) == (1, 1, 1)
    assert not separable(low, high)


@FEW
@given(PAIRS, st.floats(0.01, 100))
def test_scaling_the_samples_scales_ratio_and_interval(pairs, scale):
    samples, baseline = np.array(pairs).T
    plain = ratio_interval(samples, baseline, resamples=200)
    scaled = ratio_interval(scale * samples, baseline, resamples=200)
    assert scaled == pytest.approx([scale * value for value in plain])


@FEW
@given(PAIRS)
def test_the_interval_contains_the_ratio_and_repeats(pairs):
    samples, baseline = np.array(pairs).T
    ratio, low, high = ratio_interval(samples, baseline, resamples=200)
    assert 0 < low <= ratio <= high
    assert ratio == np.median(samples) / np.median(baseline)
    assert ratio_interval(samples, baseline, resamples=200) == (ratio, low, high)


def _benchmark(rng, slow_down, rounds=60):
    """Rounds that share a disturbance of 10 %, contenders with 2 % of their own."""
    shared = rng.lognormal(0, 0.1, rounds)
    own, other = rng.lognormal(0, 0.02, (2, rounds))
    return slow_down * 3 * shared * own, 3 * shared * other


def test_a_planted_slow_down_is_found_and_covered():
    rng = np.random.default_rng(1)
    runs = [ratio_interval(*_benchmark(rng, 1.05), resamples=500) for _ in range(200)]
    assert np.mean([separable(low, high) for _, low, high in runs]) >= 0.95
    assert np.mean([low <= 1.05 <= high for _, low, high in runs]) >= 0.9


def test_the_same_model_twice_is_rarely_told_apart():
    rng = np.random.default_rng(2)
    runs = [ratio_interval(*_benchmark(rng, 1.0), resamples=500) for _ in range(300)]
    # 5 % are aimed at; 300 runs leave 2.5 points of noise (two standard errors).
    assert np.mean([separable(low, high) for _, low, high in runs]) <= 0.075


@pytest.mark.parametrize(
    ("samples", "baseline", "said"),
    [
        ([1, 2], [1], "equal lengths"),
        ([], [], "at least one round"),
        ([1, 0], [1, 1], "samples: every sample"),
        ([1, 1], [1, float("nan")], "baseline: every sample"),
    ],
)
def test_what_is_no_pair_of_rounds_is_refused(samples, baseline, said):
    with pytest.raises(ValueError, match=said):
        ratio_interval(samples, baseline)


@FEW
@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_stays_inside_and_around_the_accuracy(counts):
    correct, n = counts
    low, high = wilson_interval(correct / n, n)
    assert 0 <= low <= correct / n <= high <= 1
    assert high > low


def test_wilson_equals_scipy():
    from scipy.stats import binomtest

    expected = binomtest(871, 1000).proportion_ci(method="wilson")
    assert wilson_interval(0.871, 1000) == pytest.approx((expected.low, expected.high))


def test_mean_interval_equals_scipy():
    from scipy import stats

    values = [0.81, 0.79, 0.84]
    expected = stats.t.interval(0.95, 2, np.mean(values), stats.sem(values))
    assert mean_interval(values) == pytest.approx((np.mean(values), *expected))


def test_one_value_has_no_spread():
    with pytest.raises(ValueError, match="two of them, not 1"):
        mean_interval([0.5])


@pytest.mark.parametrize(("accuracy", "n"), [(1.1, 10), (-0.1, 10), (0.5, 0), (float("nan"), 5)])
def test_what_is_no_proportion_is_refused(accuracy, n):
    with pytest.raises(ValueError, match="fraction"):
        wilson_interval(accuracy, n)
