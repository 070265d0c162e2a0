"""Diffs of two runs: claims, noise, and what is not compared."""

from __future__ import annotations

import json
from dataclasses import asdict

import numpy as np
import pytest

from reports.diff.arm_diff import find_regressions
from reports.diff.diff import diff_runs
from reports.diff.table import diff_grid
from tests.reports.rows import MACHINE, row, timed, without_newer_fields

FIVE = 0.05
BOOM = "ValueError: boom"


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def only(rows_a, rows_b, **options):
    """The one arm of a comparison."""
    (arm,) = diff_runs(rows_a, rows_b, **options)
    return arm


def markdown(rows_a, rows_b, *, threshold=FIVE, force=False):
    arms = diff_runs(rows_a, rows_b, force=force)
    grid = diff_grid(arms, rows_a, rows_b, title="a (A) → b (B)", threshold=threshold, forced=force)
    return grid.markdown()


def test_a_planted_slow_down_is_a_regression(rng):
    before, after = timed(rng=rng), timed(latency=3.3, rng=rng)
    arm = only([before], [after])
    assert arm.latency_verdict == "slower"
    assert 1.05 < arm.latency_ms.low <= arm.latency_ms.ratio <= arm.latency_ms.high
    (line,) = find_regressions(arm, FIVE)
    assert line.startswith("latency 2.992 → 3.323 ms, +11.0 %") and "at best +" in line
    assert find_regressions(arm, 0.2) == []
    assert only([after], [before]).latency_verdict == "faster"
    assert find_regressions(only([after], [before]), FIVE) == []


def test_a_slow_down_below_the_threshold_is_no_regression(rng):
    arm = only([timed(rng=rng)], [timed(latency=3.09, rng=rng)])
    assert arm.latency_verdict == "slower" and find_regressions(arm, FIVE) == []


def test_noise_is_no_regression():
    arms = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        sides = [timed(rng=rng, processes=4, rounds=20, between=0.03) for _ in "ab"]
        arms.append(only(*([side] for side in sides)))
    assert sum(arm.latency_verdict != "not separable" for arm in arms) <= 5
    assert not any(find_regressions(arm, 0.02) for arm in arms)


def test_the_same_run_twice_changes_nothing(rng):
    rows = [timed(rng=rng), row("b"), row("c", state="failed", reason="boom", accuracy=None)]
    for arm in diff_runs(rows, rows):
        assert arm.latency_verdict == "not separable" and not arm.failed_after
        assert arm.macs.ratio == arm.params.ratio == arm.peak_memory_bytes.ratio == 1
        assert find_regressions(arm, 0.0) == []


@pytest.mark.parametrize("field", ["macs", "params"])
@pytest.mark.parametrize(("factor", "count"), [(1.05, 0), (1.06, 1), (0.5, 0)])
def test_counts_regress_above_the_threshold(field, factor, count):
    before, after = row(), row()
    after[field] = round(before[field] * factor)
    assert len(find_regressions(only([before], [after]), FIVE)) == count


def test_a_count_that_was_nothing_has_no_ratio_but_regresses():
    arm = only([row(macs=0)], [row(macs=7)])
    assert arm.macs.ratio is None and find_regressions(arm, FIVE) == ["MACs 0 → 7"]


def test_a_lower_bound_of_the_macs_is_no_regression():
    after = row(macs=10**9, macs_uncounted=["aten::fft_fft2"])
    assert find_regressions(only([row()], [after]), FIVE) == []
    assert "lower bounds, without a counting rule for aten::fft\\_fft2" in markdown(
        [row()], [after]
    ).replace("fft_fft2", r"fft\_fft2")


def test_arms_of_one_side_are_listed_in_order():
    rows_a, rows_b = [row("gone"), row("kept")], [row("new"), row("kept")]
    arms = diff_runs(rows_a, rows_b)
    assert [(arm.arm, arm.only_in) for arm in arms] == [("gone", "A"), ("kept", None), ("new", "B")]
    text = markdown(rows_a, rows_b)
    assert "only in A" in text and "only in B" in text


def test_a_changed_architecture_is_a_note(rng):
    after = timed(rng=rng, architecture_hash="other")
    arm = only([timed(rng=rng)], [after])
    assert arm.architecture_changed and arm.latency_verdict == "not separable"
    text = markdown([timed(rng=rng)], [after])
    assert "other architecture" in text and "The architecture differs between A and B: fwa." in text


def failed(seed=0):
    return row(seed=seed, state="failed", reason=BOOM, accuracy=None, latency=None)


@pytest.mark.parametrize(
    ("rows_a", "rows_b", "expected"),
    [
        ([row()], [failed()], [f"failed: {BOOM}"]),
        ([row(), row(seed=1)], [row(), failed(1)], [f"1 of 2 seeds failed: seed 1: {BOOM}"]),
        ([row(), failed(1)], [row(), failed(1)], []),
        ([row(), failed(1)], [failed(), failed(1)], [f"failed: {BOOM}"]),
        ([failed()], [failed()], []),
        ([failed()], [row()], []),
    ],
)  # fmt: skip
def test_what_newly_failed_is_a_regression(rows_a, rows_b, expected):
    assert find_regressions(only(rows_a, rows_b), FIVE) == expected


def test_one_seed_a_side_uses_wilson():
    before, after = row(accuracy=0.80), row(accuracy=0.70)
    arm = only([before], [after])
    assert arm.accuracy.difference == pytest.approx(-0.1)
    assert arm.accuracy_verdict == "lower"
    (line,) = find_regressions(arm, FIVE)
    assert line.startswith("accuracy 80.0 → 70.0 %, relative -12.5 %")
    # Of 20 test images a difference of ten points is nothing.
    few = [row(accuracy=value, test_images=20) for value in (0.80, 0.70)]
    arm = only(few[:1], few[1:])
    assert arm.accuracy_verdict == "not separable" and find_regressions(arm, FIVE) == []


def test_several_seeds_a_side_use_welch():
    from scipy import stats

    values = [0.80, 0.81, 0.805], [0.70, 0.72]
    sides = [[row(seed=n, accuracy=a) for n, a in enumerate(side)] for side in values]
    arm = only(*sides)
    expected = stats.ttest_ind(values[1], values[0], equal_var=False).confidence_interval()
    assert (arm.accuracy.low, arm.accuracy.high) == pytest.approx((expected.low, expected.high))
    # One seed against several: each side brings its own interval.
    mixed = only(sides[0], [row(accuracy=0.71)])
    assert mixed.accuracy.low < -0.0933 < mixed.accuracy.high < 0


OBSTACLES = {
    "cpu": ({"cost_fingerprint": MACHINE | {"cpu": "Other"}}, "other machine"),
    "gpu": ({"cost_fingerprint": MACHINE | {"gpu": "H200"}}, "other machine"),
    "protocol": ({"cost_fingerprint": MACHINE | {"protocol": 9}}, "other machine"),
    "form": ({"form": "deploy"}, "other form"),
    "latency_threads": ({"latency_threads": 4}, "other threads"),
}


@pytest.mark.parametrize("field", OBSTACLES)
def test_times_of_other_conditions_are_not_compared(rng, field):
    changes, verdict = OBSTACLES[field]
    rows_a, rows_b = [timed(rng=rng)], [timed(latency=9, rng=rng, macs=50_000_000, **changes)]
    arm = only(rows_a, rows_b)
    assert arm.is_latency_withheld and arm.latency_verdict == verdict
    assert arm.latency_ms.ratio is None and arm.latency_ms.after > 8
    assert arm.peak_memory_bytes.ratio is None
    assert list(arm.costs_differing) == [field]
    (line,) = find_regressions(arm, FIVE)
    assert line.startswith("MACs")
    text = markdown(rows_a, rows_b)
    warning = f"WARNING: latencies and peaks are not compared, conditions differ: {field}"
    assert warning.replace("_", "") in text.replace("_", "")
    forced = only(rows_a, rows_b, force=True)
    assert forced.latency_verdict == "slower" and not forced.is_latency_withheld
    assert list(forced.costs_differing) == [field]
    assert "because of --force" in markdown(rows_a, rows_b, force=True)


def test_commits_may_differ(rng):
    machines = [
        MACHINE | {"commit": name, "dirty": dirty, "lolvit_bench": name}
        for name, dirty in (("aaa", False), ("bbb", True))
    ]
    rows = [[timed(rng=rng, cost_fingerprint=machine)] for machine in machines]
    assert only(*rows).latency_verdict == "not separable"
    assert "A: commit aaa; B: commit bbb with uncommitted changes." in markdown(*rows)


def test_accuracies_of_other_data_are_not_compared():
    rows = [[row(accuracy=0.9)], [row(accuracy=0.1, dataset_checksum="9")]]
    arm = only(*rows)
    assert arm.is_accuracy_withheld and arm.accuracy_verdict == "other data"
    assert find_regressions(arm, FIVE) == []
    assert "WARNING: accuracies are not compared, data differ" in markdown(*rows)
    assert find_regressions(only(*rows, force=True), FIVE)


def test_another_recipe_is_a_warning_but_compared():
    rows = [[row()], [row(recipe={"lr": 0.01})]]
    assert only(*rows).accuracy.difference == 0
    assert "WARNING: recipes differ and may explain accuracies: lr: 0.001, 0.01." in markdown(*rows)


def test_a_single_process_is_a_note(rng):
    single, several = timed(rng=rng), timed(rng=rng, processes=3)
    assert "--processes" not in markdown([several], [several])
    assert "Latencies of B come from one process" in markdown([several], [single])
    assert "Latencies of A and B come from one process" in markdown([single], [single])


def test_forms_of_one_name_are_matched(rng):
    eager, deploy = timed(rng=rng), timed(rng=rng, latency=2.0, form="deploy")
    arms = diff_runs([eager, deploy], [deploy, eager])
    assert [arm.latency_verdict for arm in arms] == ["not separable"] * 2
    arms = diff_runs([eager, deploy], [deploy])
    assert [arm.only_in for arm in arms] == ["A", None]


def test_a_failed_form_is_matched_by_name(rng):
    before = timed("fwa [deploy]", rng=rng, form="deploy")
    after = failed() | {"name": "fwa [deploy]"}
    assert find_regressions(only([before], [after]), FIVE) == [f"failed: {BOOM}"]


def test_old_records_compare_too(rng):
    arm = only([without_newer_fields(timed(rng=rng))], [timed(rng=rng)])
    assert arm.latency_verdict == "not separable" and arm.processes_before == 1


def test_the_result_is_plain_data(rng):
    rows_a = [timed(rng=rng), row("x"), failed()]
    rows_b = [timed(rng=rng, form="deploy", recipe={}), row("y")]
    for arm in diff_runs(rows_a, rows_b):
        assert json.loads(json.dumps(asdict(arm))) == asdict(arm)


def test_the_table_ends_with_the_regressions(rng):
    rows_a = [timed(rng=rng), timed("b", rng=rng)]
    rows_b = [timed(rng=rng, latency=4), timed("b", rng=rng, macs=50_000_000)]
    lines = markdown(rows_a, rows_b).splitlines()
    assert lines[-2].startswith("- REGRESSION fwa: latency ")
    assert lines[-1].startswith("- REGRESSION b: MACs 25,000,000 → 50,000,000, +100.0 %")
    assert "25.0 → 50.0 (+100.0 %)" in lines[5]
    assert markdown(rows_a, rows_a).splitlines()[-1] == "- No regression over 5 %."


@pytest.mark.parametrize("width", [80, 100, 170])
def test_the_terminal_keeps_its_lines(rng, width):
    from io import StringIO

    from rich.console import Console

    rows = [timed("mobilevit_v2", rng=rng), timed("b", rng=rng)], [timed("mobilevit_v2", rng=rng)]
    console = Console(width=width, file=StringIO(), color_system=None)
    arms = diff_runs(*rows)
    console.print(diff_grid(arms, *rows, title="t", threshold=FIVE, forced=False))
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert any(line.split()[:1] == ["mobilevit_v2"] for line in lines)
