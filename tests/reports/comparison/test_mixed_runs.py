"""Rows of several runs in one table: never paired, and not ranked where conditions differ."""

from __future__ import annotations

import numpy as np
import pytest

import reports
from reports.comparison.columns import columns
from reports.comparison.runs import merge
from reports.comparison.summary import summarise
from reports.tables.fingerprints import differing, listed
from tests.reports.rows import MACHINE, many, row, timed

OTHER = MACHINE | {"cpu": "Other"}
CLOCK = ("latency", "throughput", "memory", "training", "energy")


def said(summary, word):
    return [note for note in summary.notes if word in note]


def two_machines():
    measured = {"peak_training_memory_bytes": 10**8, "energy_mj_per_image": 2.0}
    rows = [row("a", latency=2, **measured), row("bb", latency=9, macs=10**6, **measured)]
    rows[1]["cost_fingerprint"] = OTHER
    return rows


def best(summary):
    return {column.key for column in columns(summary) if column.best}


def test_nothing_of_the_clock_is_ranked_across_machines():
    summary = summarise(two_machines())
    assert not summary.ranked
    assert all(arm.latency_ratio is None and not arm.on_latency_front for arm in summary.arms)
    assert all(arm.on_macs_front for arm in summary.arms[1:])
    assert best(summary).isdisjoint(CLOCK) and {"macs"} <= best(summary)
    assert "ratio" not in {column.key for column in columns(summary)}
    (warning,) = said(summary, "WARNING")
    assert "cpu: Test CPU @ 2.0 GHz, Other" in warning and "not ranked" in warning
    assert not said(summary, "Ratios") and not said(summary, "no ratios")
    assert said(summary, "Machine of a: ")


def test_force_ranks_and_says_so():
    summary = summarise(two_machines(), force=True)
    assert summary.ranked and set(CLOCK) & best(summary)
    assert summary.arms[1].latency_verdict == "slower"
    assert summary.arms[1].latency_pairing == "unpaired"
    (warning,) = said(summary, "WARNING")
    assert "as --force asked" in warning
    assert said(summary, "Timed in another session than the baseline: bb;")


def test_force_changes_nothing_where_all_conditions_agree():
    assert summarise(many(4), force=True) == summarise(many(4))


def test_threads_are_conditions_too():
    assert not summarise([row("a"), row("b", latency_threads=4)]).ranked


def test_a_row_without_costs_differs_from_nobody():
    failed = row("b", state="failed", reason="x", latency=None, accuracy=None)
    assert summarise([row("a"), failed]).ranked


def test_rounds_of_other_runs_do_not_pair_although_lengths_agree():
    rng = np.random.default_rng(1)
    monday, tuesday = timed("a", rng=rng), timed("b", rng=rng)
    summary = summarise(merge({"monday": [monday, timed("c", rng=rng)], "tuesday": [tuesday]}))
    assert [arm.latency_pairing for arm in summary.arms] == ["paired", "paired", "unpaired"]
    assert summary.ranked
    assert said(summary, "Runs: monday (a, c); tuesday (b).")


def test_an_arm_of_two_runs_gets_its_runs_name():
    rows = merge({"monday": [row("a"), row("b")], "tuesday": [row("b"), row("c")]})
    assert [each["name"] for each in rows] == ["a", "b (monday)", "b (tuesday)", "c"]
    assert len(summarise(rows).arms) == 4


def test_seeds_of_one_name_in_two_runs_stay_two_arms():
    summary = summarise(merge({"x": [row(), row(seed=1)], "y": [row(), row(seed=1)]}))
    assert [arm.seeds_finished for arm in summary.arms] == [2, 2]


def test_figures_and_files_of_unranked_rows_are_drawn(tmp_path):
    paths = reports.write(two_machines(), tmp_path, title="Two")
    assert (tmp_path / "pareto.png") in paths
    assert "not ranked" in (tmp_path / "table.md").read_text()
    assert "not ranked" in (tmp_path / "table.tex").read_text()
    reports.write(two_machines(), tmp_path, title="Two", force=True)
    assert "as --force asked" in (tmp_path / "table.md").read_text()


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"resolution": 32}, "inputs differ between rows (resolution: 28, 32)"),
        ({"dataset_checksum": "9"}, "data sets differ between rows (dataset_checksum: 123456, 9)"),
    ],
)
def test_what_of_the_data_differs_is_named(changes, named):
    assert said(summarise([row("a"), row("b", **changes)]), f"WARNING: {named}")


def test_fields_that_one_side_lacks_differ():
    found = differing([{"a": 1, "b": True}, {}, {"a": 1, "b": 1, "c": "x"}])
    assert found == {"b": [True, 1], "c": [None, "x"]}
    assert listed(found) == "b: True, 1; c: not recorded, x"
    assert differing([{"a": 1}, {"a": 2}], ignored={"a"}) == {}
