"""Few rounds, few processes and few sizes: how intervals widen and what a fit leaves out."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from reports.statistics.bootstrap import expanded_percentiles
from reports.statistics.intervals import mean_interval, welch_interval
from reports.statistics.ratios import (
    is_separable,
    median_interval,
    ratio_interval,
    unpaired_ratio_interval,
)
from reports.statistics.scaling import fit_exponent

ROUNDS = 20


def clustered(count, seed=0):
    """Samples of equal processes but for two outliers, and the logarithms of their medians.

    The median hardly sees outliers, Student's interval of the mean does.
    """
    rng = np.random.default_rng(seed)
    offsets = [-1.0, 1.0] + [0.0] * (count - 2)
    samples = [3 * np.exp(offset) * rng.lognormal(0, 0.001, ROUNDS) for offset in offsets]
    return np.concatenate(samples), [float(np.log(np.median(part))) for part in samples]


@pytest.mark.parametrize("n", [2, 5, 40])
def test_percentiles_of_few_rounds_are_expanded(n):
    uniform = np.linspace(0, 1, 100_001)
    quantile = stats.t.ppf(0.025, n - 1)
    tail = stats.norm.cdf(np.sqrt(n / (n - 1)) * quantile)
    low, high = expanded_percentiles(uniform, n)
    assert (low, high) == pytest.approx((tail, 1 - tail), abs=1e-5)
    assert low < 0.025


def test_percentiles_of_one_round_are_plain():
    uniform = np.linspace(0, 1, 1001)
    assert expanded_percentiles(uniform, 1) == pytest.approx((0.025, 0.975))


@pytest.mark.parametrize("count", [2, 3, 9])
@pytest.mark.parametrize("kind", ["rounds", "blocks"])
def test_fewer_than_ten_clusters_widen_to_students_interval(count, kind):
    samples, logs = clustered(count)
    _, low, high = np.exp(mean_interval(logs))
    parts = {kind: [ROUNDS] * count}
    assert median_interval(samples, **parts)[1:] == pytest.approx((low, high))
    ones = np.ones_like(samples)
    assert ratio_interval(samples, ones, **parts)[1:] == pytest.approx((low, high))


def test_ten_clusters_are_not_widened():
    samples, logs = clustered(10)
    _, low, high = np.exp(mean_interval(logs))
    _, inner_low, inner_high = median_interval(samples, rounds=[ROUNDS] * 10)
    assert low < inner_low and inner_high < high


def test_two_runs_of_few_processes_widen_to_welchs_interval():
    (after, logs_after), (before, logs_before) = clustered(3), clustered(2, seed=1)
    _, low, high = np.exp(welch_interval(logs_after, logs_before))
    parts = {"after_rounds": [ROUNDS] * 3, "before_rounds": [ROUNDS] * 2}
    assert unpaired_ratio_interval(after, before, **parts)[1:] == pytest.approx((low, high))


@pytest.mark.parametrize("count", [3, 4, 5, 6, 7])
def test_an_exponent_is_fitted_to_the_upper_half_of_the_sizes(count):
    sizes = [2**k for k in range(4, 4 + count)]
    kept = count - count // 2
    values = [7.0] * (count - kept) + [float(n) ** 2 for n in sizes[-kept:]]
    assert fit_exponent(sizes, values) == pytest.approx(2)
    # The smallest size that is kept counts.
    values[-kept] *= 2
    assert fit_exponent(sizes, values) < 1.99


@pytest.mark.parametrize("count", [0, 1, 2])
def test_fewer_than_three_sizes_have_no_exponent(count):
    assert fit_exponent([16, 64][:count], [1.0, 2.0][:count]) is None


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [(0.9, 1.1, False), (1, 1.2, False), (0.8, 1, False), (1.01, 1.2, True), (0.8, 0.99, True)],
)
def test_an_interval_is_separable_if_it_excludes_one(low, high, expected):
    assert is_separable(low, high) is expected
