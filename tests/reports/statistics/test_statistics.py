"""Properties of the intervals, and their coverage in simulated benchmarks."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.statistics.bootstrap import draw
from reports.statistics.intervals import (
    difference_interval,
    mean_interval,
    welch_interval,
    wilson_interval,
)
from reports.statistics.ratios import (
    is_separable,
    median_interval,
    ratio_interval,
    unpaired_ratio_interval,
)

TIMES = st.lists(st.floats(1e-3, 1e3), min_size=1, max_size=30)
PAIRS = st.lists(st.tuples(st.floats(1e-3, 1e3), st.floats(1e-3, 1e3)), min_size=1, max_size=30)
FEW = settings(max_examples=50, deadline=None)


@FEW
@given(TIMES)
def test_a_sample_is_not_separable_from_itself(samples):
    ratio, low, high = ratio_interval(samples, samples, resamples=200)
    assert (ratio, low, high) == (1, 1, 1)
    assert not is_separable(low, high)


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
    assert ratio == np.median(samples / baseline)
    assert ratio_interval(samples, baseline, resamples=200) == (ratio, low, high)


def _benchmark(rng, slow_down, rounds=60):
    """Rounds that share a disturbance of 10 %, targets with 2 % of their own."""
    shared = rng.lognormal(0, 0.1, rounds)
    own, other = rng.lognormal(0, 0.02, (2, rounds))
    return slow_down * 3 * shared * own, 3 * shared * other


def test_a_planted_slow_down_is_detected_and_covered():
    rng = np.random.default_rng(1)
    runs = [ratio_interval(*_benchmark(rng, 1.05), resamples=500) for _ in range(200)]
    assert np.mean([is_separable(low, high) for _, low, high in runs]) >= 0.95
    assert np.mean([low <= 1.05 <= high for _, low, high in runs]) >= 0.9


def test_the_same_model_twice_is_rarely_separable():
    rng = np.random.default_rng(2)
    runs = [ratio_interval(*_benchmark(rng, 1.0), resamples=500) for _ in range(300)]
    # 5 % are intended; 300 runs leave 2.5 points of noise (two standard errors).
    assert np.mean([is_separable(low, high) for _, low, high in runs]) <= 0.075


def _side(rng, sizes, between, latency=3.0):
    """Processes whose placement differs by `between`, rounds that differ by 3 %."""
    return np.concatenate(
        [latency * rng.lognormal(0, between) * rng.lognormal(0, 0.03, n) for n in sizes]
    )


# 94 % are promised; so many runs leave two points of noise (more than two standard errors).
RUNS, LEAST = 400, 0.94 - 0.02
SIZES = [([40], 0.0), ([20] * 3, 0.02), ([20] * 5, 0.02), ([10, 30, 20], 0.02), ([20] * 3, 0.0)]


def slow_but_one(cases):
    """Simulations take seconds: one of them runs by default."""
    return [
        cases[1],
        *(pytest.param(*case, marks=pytest.mark.slow) for case in cases[:1] + cases[2:]),
    ]


@pytest.mark.parametrize(("sizes", "between"), slow_but_one(SIZES))
def test_paired_intervals_cover_no_difference(sizes, between):
    rng, held = np.random.default_rng(3), 0
    for _ in range(RUNS):
        one, other = _side(rng, sizes, between), _side(rng, sizes, between)
        _, low, high = ratio_interval(one, other, rounds=sizes, resamples=300)
        held += low <= 1 <= high
    assert held / RUNS >= LEAST


@pytest.mark.parametrize(("sizes", "between"), slow_but_one([*SIZES, ([20] * 2, 0.02)]))
def test_intervals_of_two_runs_and_of_a_median_cover(sizes, between):
    rng, held = np.random.default_rng(4), np.zeros(2)
    for _ in range(RUNS):
        one, other = _side(rng, sizes, between), _side(rng, sizes, between)
        rounds = {"after_rounds": sizes, "before_rounds": sizes}
        _, low, high = unpaired_ratio_interval(one, other, resamples=300, **rounds)
        held[0] += low <= 1 <= high
        _, low, high = median_interval(one, rounds=sizes, resamples=300)
        held[1] += low <= 3 <= high
    assert min(held / RUNS) >= LEAST


def test_noise_between_processes_needs_two_levels():
    rng = np.random.default_rng(5)
    sides = [(_side(rng, [30] * 3, 0.03), _side(rng, [30] * 3, 0.03)) for _ in range(200)]
    one = [is_separable(*ratio_interval(*side, resamples=200)[1:]) for side in sides]
    two = [
        is_separable(*ratio_interval(*side, rounds=[30] * 3, resamples=200)[1:]) for side in sides
    ]
    assert np.mean(one) > 0.3
    assert np.mean(two) < 0.07


def test_a_planted_slow_down_is_detected_across_five_processes():
    rng, detected = np.random.default_rng(6), 0
    for _ in range(100):
        slow, fast = _side(rng, [20] * 5, 0.01, 3.3), _side(rng, [20] * 5, 0.01)
        ratio, low, high = unpaired_ratio_interval(
            slow, fast, after_rounds=[20] * 5, before_rounds=[20] * 5, resamples=200
        )
        assert low <= ratio <= high
        detected += low > 1
    assert detected >= 95


def test_draws_follow_the_levels():
    samples = np.random.default_rng(7).random(12)
    # Two processes, of 2 and 1 blocks, of 3, 1 and 8 rounds.
    draws = draw([[2], [2, 1], [3, 1, 8]], 50, np.random.default_rng(8))
    naive = [np.median(samples[row[row >= 0]]) for row in draws.indices]
    assert draws.medians(samples).tolist() == naive
    for row, count in zip(draws.indices, draws.counts, strict=True):
        kept = row[row >= 0]
        assert kept.size == count and kept.max() < 12
        # The block of 8 is a process: drawn whole, never, or twice.
        assert (kept >= 4).sum() in (0, 8, 16)
    assert {int((row >= 4).sum()) for row in draws.indices} == {0, 8, 16}


def test_memory_placements_widen_the_interval():
    rng, blocks = np.random.default_rng(10), [10] * 8
    held = np.zeros(2)
    for _ in range(200):
        one, other = _side(rng, blocks, 0.02), _side(rng, blocks, 0.02)
        for kind, sizes in enumerate((None, blocks)):
            _, low, high = ratio_interval(one, other, blocks=sizes, resamples=200)
            held[kind] += low <= 1 <= high
    assert held[0] / 200 < 0.85 and held[1] / 200 >= 0.94


def test_blocks_of_processes_are_nested():
    rng = np.random.default_rng(11)
    one, other = _side(rng, [10] * 6, 0.02), _side(rng, [10] * 6, 0.02)
    parts = {"rounds": [30, 30], "blocks": [10] * 6}
    ratio, low, high = ratio_interval(one, other, **parts)
    assert low <= ratio <= high
    # Student's t of two processes is wide, whatever their six blocks say.
    _, lower, higher = ratio_interval(one, other, blocks=[10] * 6)
    assert low < lower < higher < high
    with pytest.raises(ValueError, match="in which it began"):
        ratio_interval(one, other, rounds=[25, 35], blocks=[10] * 6)


def test_five_hundred_rounds_take_less_than_a_second():
    times = np.random.default_rng(9).lognormal(0, 0.1, (2, 500))
    ratio_interval(*times)  # imports
    start = time.process_time()
    ratio_interval(*times, rounds=[100] * 5)
    assert time.process_time() - start < 1


def test_processes_that_agree_exactly_leave_no_width():
    samples = [2.0] * 6
    assert ratio_interval(samples, samples, rounds=[3, 3]) == (1, 1, 1)
    assert median_interval(samples, rounds=[2, 4]) == pytest.approx((2, 2, 2))
    assert unpaired_ratio_interval(samples, [1.0] * 4, after_rounds=[3, 3]) == (2, 2, 2)


def test_welch_equals_scipy():
    from scipy import stats

    after, before = [0.81, 0.79, 0.84], [0.7, 0.75]
    expected = stats.ttest_ind(after, before, equal_var=False).confidence_interval()
    assert welch_interval(after, before) == pytest.approx(
        (np.mean(after) - np.mean(before), *expected)
    )
    assert welch_interval([0.5, 0.5], [0.25, 0.25]) == (0.25, 0.25, 0.25)
    with pytest.raises(ValueError, match="not 2 and 1"):
        welch_interval([1, 2], [1])


def test_the_difference_of_two_proportions_is_newcombes():
    # Newcombe (1998), table II, example a: 56/70 - 48/80, method 10.
    one, other = ((k / n, *wilson_interval(k / n, n)) for k, n in ((56, 70), (48, 80)))
    assert difference_interval(one, other) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)


@pytest.mark.parametrize("rounds", [[1, 2], [4, 0], [5, -1]])
def test_rounds_of_processes_must_add_up(rounds):
    with pytest.raises(ValueError, match="add up to 4"):
        ratio_interval([1, 2, 3, 4], [1, 2, 3, 4], rounds=rounds)


@pytest.mark.parametrize(
    ("samples", "baseline", "message"),
    [
        ([1, 2], [1], "equal lengths"),
        ([], [], "at least one round"),
        ([1, 0], [1, 1], "samples: every sample"),
        ([1, 1], [1, float("nan")], "baseline: every sample"),
    ],
)
def test_invalid_rounds_are_refused(samples, baseline, message):
    with pytest.raises(ValueError, match=message):
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
def test_invalid_proportions_are_refused(accuracy, n):
    with pytest.raises(ValueError, match="fraction"):
        wilson_interval(accuracy, n)
