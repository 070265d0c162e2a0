"""Records become arms, and the notes say what a reader must know."""

from __future__ import annotations

import pytest

from reports.comparison.summary import summarise
from tests.reports.rows import MACHINE, many, row


def notes_with(summary, word):
    return [note for note in summary.notes if word in note]


def test_no_rows_is_an_error():
    with pytest.raises(ValueError, match="no records"):
        summarise([])


def test_arms_keep_their_order_and_the_first_is_the_baseline():
    summary = summarise([row("b", latency=2), row("a"), row("b", latency=2, seed=1)])
    assert [arm.arm for arm in summary.arms] == ["b", "a"]
    assert summary.arms[0].latency_ratio == 1
    assert summary.arms[0].latency_verdict == "baseline"
    assert summary.arms[1].latency_verdict == "slower"


def test_the_same_samples_are_not_separable():
    # Names of equal length share their noise in these synthetic rows.
    twins = summarise([row("a"), row("b")])
    assert twins.arms[1].latency_verdict == "not separable"


def test_one_seed_has_the_interval_of_its_images():
    (arm,) = summarise([row(accuracy=0.8)]).arms
    assert arm.test_accuracy_interval == "wilson"
    assert arm.test_accuracy_sd is None
    assert arm.test_accuracy_low < 0.8 < arm.test_accuracy_high


def test_several_seeds_have_mean_sd_and_student_interval():
    summary = summarise([row(seed=0, accuracy=0.7), row(seed=1, accuracy=0.8)])
    (arm,) = summary.arms
    assert arm.test_accuracy_mean == pytest.approx(0.75)
    assert arm.test_accuracy_sd == pytest.approx(0.0707, abs=1e-4)
    assert arm.test_accuracy_interval == "student_t"
    assert 0 <= arm.test_accuracy_low < 0.75 < arm.test_accuracy_high <= 1
    assert notes_with(summary, "standard deviation")
    assert notes_with(summary, "seeds: 0, 1.")


def test_a_failed_seed_is_counted_and_explained():
    rows = [row(), row(seed=1, state="failed", reason="loss is NaN.", accuracy=None)]
    summary = summarise(rows)
    (arm,) = summary.arms
    assert (arm.state, arm.seeds_finished, arm.seeds_failed) == ("partial", 1, 1)
    assert notes_with(summary, "fwa finished 1 of 2 seeds: seed 1: loss is NaN.")


def test_a_pruned_accuracy_is_not_averaged():
    rows = [row(accuracy=0.9), row(seed=1, state="pruned", reason="median rule", accuracy=0.1)]
    (arm,) = summarise(rows).arms
    assert arm.test_accuracy_mean == 0.9
    assert arm.seeds_pruned == 1


def test_a_failed_arm_keeps_costs_but_is_on_no_front():
    rows = [row("a"), row("b", state="failed", reason="boom", accuracy=None, macs=1)]
    failed = summarise(rows).arms[1]
    assert failed.macs == 1
    assert failed.latency_ratio is not None
    assert not failed.on_macs_front


def test_fronts_are_flagged_apart():
    cheap_macs = row("a", accuracy=0.7, latency=5, macs=1_000_000)
    fast = row("b", accuracy=0.8, latency=2, macs=2_000_000)
    arms = summarise([cheap_macs, fast]).arms
    assert [arm.on_latency_front for arm in arms] == [False, True]
    assert [arm.on_macs_front for arm in arms] == [True, True]


def test_a_baseline_without_latency_leaves_no_ratios():
    rows = [row("a", latency=None, accuracy=None, state="failed", reason="x"), row("b")]
    summary = summarise(rows)
    assert summary.arms[1].latency_ratio is None
    assert notes_with(summary, "the baseline a has no latency")


def test_rounds_that_do_not_pair_leave_no_ratio():
    odd = row("b")
    odd["latency_ms_samples"] = odd["latency_ms_samples"][:5]
    summary = summarise([row("a"), odd])
    assert summary.arms[1].latency_ratio is None
    assert notes_with(summary, "do not pair with the baseline's: b.")


def test_other_machines_are_a_warning_that_names_the_difference():
    other = row("b", cost_fingerprint=MACHINE | {"cpu": "Other"})
    (warning,) = notes_with(summarise([row("a"), other]), "WARNING")
    assert "cpu: Test CPU @ 2.0 GHz, Other" in warning
    assert "torch" not in warning


def test_other_data_are_a_warning():
    assert notes_with(summarise([row("a"), row("b", dataset_checksum="9")]), "WARNING: data sets")


@pytest.mark.parametrize(("params", "flagged"), [(1_219_000, False), (1_240_000, True)])
def test_budgets_two_percent_apart_are_flagged_in_one_note(params, flagged):
    summary = summarise([row("a"), row("b", params=params)])
    assert bool(notes_with(summary, "Unequal budgets")) is flagged


def test_reconstructed_arms_are_explained():
    assert notes_with(summarise([row(reconstructed=True)]), "† reconstructed")
    assert not notes_with(summarise([row()]), "†")


def test_the_frame_keeps_whole_numbers_whole():
    frame = summarise([*many(3), row("x", latency=None, accuracy=None, state="failed")]).to_frame()
    assert len(frame) == 4
    assert str(frame["macs"].dtype) == "Int64"
    assert frame["macs"].isna().tolist() == [False, False, False, True]


def test_only_failures_summarise_too():
    summary = summarise([row("a", latency=None, accuracy=None, state="failed", reason="boom")])
    assert not summary.has_accuracy
    assert notes_with(summary, "a failed: boom.")
