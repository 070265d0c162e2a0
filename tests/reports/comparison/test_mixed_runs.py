"""Rows of several runs in one table: never paired, and not ranked where conditions differ."""

from __future__ import annotations

import numpy as np
import pytest

import reports
from reports.comparison.summary import merge_runs, summarise
from reports.comparison.table import comparison_columns
from reports.tables.fingerprints import differing_fields, list_values
from tests.reports.rows import MACHINE, many, row, timed

OTHER = MACHINE | {"cpu": "Other"}
MACHINE_DEPENDENT = ("latency", "throughput", "memory", "training", "energy")


def notes_with(summary, word):
    return [note for note in summary.notes if word in note]


def two_machines():
    measured = {"peak_training_memory_bytes": 10**8, "energy_mj_per_image": 2.0}
    rows = [row("a", latency=2, **measured), row("bb", latency=9, macs=10**6, **measured)]
    rows[1]["cost_fingerprint"] = OTHER
    return rows


def best(summary):
    return {column.key for column in comparison_columns(summary) if column.best}


def test_times_and_memory_are_not_ranked_across_machines():
    summary = summarise(two_machines())
    assert not summary.ranked
    assert all(arm.latency_ratio is None and not arm.on_latency_front for arm in summary.arms)
    assert all(arm.on_macs_front for arm in summary.arms[1:])
    assert best(summary).isdisjoint(MACHINE_DEPENDENT) and {"macs"} <= best(summary)
    assert "ratio" not in {column.key for column in comparison_columns(summary)}
    (warning,) = notes_with(summary, "WARNING")
    assert "cpu: Test CPU @ 2.0 GHz, Other" in warning and "not ranked" in warning
    assert not notes_with(summary, "Ratios") and not notes_with(summary, "No ratios")
    assert notes_with(summary, "Machine of a: ")


def test_force_ranks_with_a_warning():
    summary = summarise(two_machines(), force=True)
    assert summary.ranked and set(MACHINE_DEPENDENT) & best(summary)
    assert summary.arms[1].latency_verdict == "slower"
    assert summary.arms[1].latency_pairing == "unpaired"
    (warning,) = notes_with(summary, "WARNING")
    assert "because of --force" in warning
    assert notes_with(summary, "Timed in another session than the baseline: bb;")


def test_force_changes_nothing_where_all_conditions_agree():
    assert summarise(many(4), force=True) == summarise(many(4))


def test_threads_are_conditions_too():
    assert not summarise([row("a"), row("b", latency_threads=4)]).ranked


def test_a_row_without_costs_does_not_prevent_ranking():
    failed = row("b", state="failed", reason="x", latency=None, accuracy=None)
    assert summarise([row("a"), failed]).ranked


def test_rounds_of_other_runs_do_not_pair_although_lengths_agree():
    rng = np.random.default_rng(1)
    monday, tuesday = timed("a", rng=rng), timed("b", rng=rng)
    summary = summarise(merge_runs({"monday": [monday, timed("c", rng=rng)], "tuesday": [tuesday]}))
    assert [arm.latency_pairing for arm in summary.arms] == ["paired", "paired", "unpaired"]
    assert summary.ranked
    assert notes_with(summary, "Runs: monday (a, c); tuesday (b).")


def test_an_arm_of_two_runs_gets_its_runs_name():
    rows = merge_runs({"monday": [row("a"), row("b")], "tuesday": [row("b"), row("c")]})
    assert [record["name"] for record in rows] == ["a", "b (monday)", "b (tuesday)", "c"]
    assert len(summarise(rows).arms) == 4


def test_seeds_of_one_name_in_two_runs_stay_two_arms():
    summary = summarise(merge_runs({"x": [row(), row(seed=1)], "y": [row(), row(seed=1)]}))
    assert [arm.seeds_finished for arm in summary.arms] == [2, 2]


def test_figures_and_files_of_unranked_rows_are_drawn(tmp_path):
    paths = reports.write_comparison(two_machines(), tmp_path, title="Two")
    assert (tmp_path / "pareto.png") in paths
    assert "not ranked" in (tmp_path / "table.md").read_text()
    assert "not ranked" in (tmp_path / "table.tex").read_text()
    reports.write_comparison(two_machines(), tmp_path, title="Two", force=True)
    assert "because of --force" in (tmp_path / "table.md").read_text()


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"resolution": 32}, "inputs differ between rows (resolution: 28, 32)"),
        ({"dataset_checksum": "9"}, "data sets differ between rows (dataset_checksum: 123456, 9)"),
    ],
)
def test_differing_fields_of_the_data_are_named(changes, text):
    assert notes_with(summarise([row("a"), row("b", **changes)]), f"WARNING: {text}")


def test_a_field_missing_on_one_side_differs():
    differing = differing_fields([{"a": 1, "b": True}, {}, {"a": 1, "b": 1, "c": "x"}])
    assert differing == {"b": [True, 1], "c": [None, "x"]}
    assert list_values(differing) == "b: True, 1; c: not recorded, x"
    assert differing_fields([{"a": 1}, {"a": 2}], ignored={"a"}) == {}
