"""Optional costs have a column only where measured, and a note on what they mean."""

from __future__ import annotations

import numpy as np
import pytest

import reports
from reports.comparison.summary import summarise
from reports.comparison.table import comparison_columns, comparison_grid, to_csv, to_latex
from reports.tables.records import read_records, records_csv
from runners.records.record import Record
from tests.reports.rows import many, row, timed, without_newer_fields
from tests.runners import tiny


def keys(rows):
    return {column.key for column in comparison_columns(summarise(rows))}


def cells(rows, key):
    return next(c for c in comparison_columns(summarise(rows)) if c.key == key).cells


def markdown(rows):
    return comparison_grid(summarise(rows)).markdown()


def notes(rows):
    return "\n".join(summarise(rows).notes)


def test_synthetic_rows_have_the_fields_of_records():
    flat = tiny.record().flat()
    assert set(row()) == set(flat) and isinstance(tiny.record(), Record)


def test_old_records_make_the_same_table():
    rows = many(3, 2)
    assert markdown([without_newer_fields(record) for record in rows]) == markdown(rows)


def test_what_was_not_measured_has_no_column_and_no_note():
    assert keys(many(3)).isdisjoint({"form", "training", "energy"})
    text = notes(many(3))
    assert not any(word in text for word in ("‡", "Train", "Energy", "ran as", "fits", "processes"))


def test_a_lower_bound_is_marked_not_ranked_and_on_no_front():
    rows = [row("a", accuracy=0.7), row("b", macs=1_000_000, macs_uncounted=["aten::x", "aten::y"])]
    assert cells(rows, "macs") == ("25.00", "1.00‡")
    summary = summarise(rows)
    assert [arm.on_macs_front for arm in summary.arms] == [True, False]
    assert not next(c for c in comparison_columns(summary) if c.key == "macs").best
    assert "‡ lower bound, operators without a counting rule: aten::x, aten::y (b)." in notes(rows)
    assert "Unequal budgets" not in notes(rows)
    assert r"$^{\ddagger}$" in str(to_latex(summary)) and "‡" in comparison_grid(summary).markdown()
    assert '"aten::x, aten::y"' in to_csv(summary)


def test_training_memory_names_its_batch():
    rows = [
        row("a", peak_training_memory_bytes=250_000_000, training_memory_batch=32),
        row("b"),
    ]
    assert cells(rows, "training") == ("250", "")
    assert "Train peak: two training steps (forward, backward, AdamW) at batch 32." in notes(rows)


def test_energy_names_its_counter():
    rows = [row("a", energy_mj_per_image=4.25, energy_source="RAPL package 0")]
    assert cells(rows, "energy") == ("4.25",)
    assert "of the whole package or board, read from RAPL package 0." in notes(rows)


def test_energy_without_a_counter_says_why():
    rows = [row("a", energy_source="no readable counter"), row("b", energy_source="no readable counter")]  # fmt: skip  # noqa: E501
    assert "energy" not in keys(rows)
    assert "Energy: not available (no readable counter)." in notes(rows)
    rows[0] |= {"energy_mj_per_image": 1.0, "energy_source": "NVML"}
    assert "Energy of b: not available (no readable counter)." in notes(rows)


def test_batches_are_named_by_arm_where_they_differ():
    assert "Images per s: at batch 64; 2 threads." in notes([row("a"), row("b")])
    ladder = [{"batch": 64, "images_per_s": 1.0}, {"batch": 128, "images_per_s": 2.0}]
    rows = [
        row("a", throughput_ladder=ladder),
        row("b", throughput_ladder=ladder, throughput_batch=128),
    ]
    assert "Images per s: a at batch 64; b at batch 128, the fastest batch size tried" in notes(
        rows
    )


def test_the_largest_batch_that_fits_is_a_note():
    limit = {"largest_batch": 96, "out_of_memory_batch": 128}
    assert "Memory: a fits batch 96, not 128." in notes([row("a", **limit), row("b")])
    assert "a, b fit batch 96, not 128." in notes([row("a", **limit), row("b", **limit)])
    assert "a fits not even batch 1." in notes([row("a", out_of_memory_batch=1)])


def test_latency_names_processes_and_why_rounds_stopped():
    rng = np.random.default_rng(0)
    rows = [timed(name, rng=rng, processes=4, latency_stopped="precision 2 %") for name in "ab"]
    text = notes(rows)
    assert (
        "160 interleaved rounds in 4 fresh processes, 1 thread, median; "
        "rounds ended by: precision 2 %." in text
    )
    assert "bootstrap interval, resampled by process; " in text
    assert summarise(rows).arms[1].latency_processes == 4


def test_memory_placements_are_a_level_of_the_bootstrap():
    rng = np.random.default_rng(0)
    rows = [
        timed(name, rng=rng, processes=2, rounds=40, latency_blocks=[10] * 8) for name in ("a", "b")
    ]
    assert "resampled by process and memory placement; " in notes(rows)
    assert summarise(rows).arms[0].latency_placements == 8


def test_rounds_of_other_processes_do_not_pair():
    rng = np.random.default_rng(0)
    rows = [timed("a", rng=rng, processes=4, rounds=20), timed("b", rng=rng, processes=2)]
    assert len(rows[0]["latency_ms_samples"]) == len(rows[1]["latency_ms_samples"])
    assert "No ratio, rounds do not pair with the baseline's: b." in notes(rows)


def test_forms_have_a_column_and_a_note():
    deploy = row(
        "a", form="deploy", form_note="12 norms folded.", parity=3e-6, form_seconds=1.5, latency=2
    )
    rows = [row("a"), deploy]
    assert len(summarise(rows).arms) == 2
    assert "form" not in keys([row("a [eager]"), deploy | {"name": "a [deploy]"}])
    assert cells(rows, "form") == ("eager", "deploy")
    assert (
        "a ran as deploy: 12 norms folded; largest difference to eager 3.0e-06; 1.5 s to make."
        in notes(rows)
    )


def test_a_form_that_failed_is_not_called_eager():
    rows = [
        row("a", form="deploy"),
        row("b", state="failed", reason="boom", accuracy=None, latency=None),
    ]
    assert cells(rows, "form") == ("deploy", "")
    assert "b ran as" not in notes(rows)
    assert "form" not in keys([row("a"), row("b", latency=None, accuracy=None, state="failed")])


def test_random_inputs_are_named_as_data():
    blank = {"dataset": "", "dataset_checksum": "", "accuracy": None}
    rows = [row(name, dataset_note="random inputs, no data set", **blank) for name in "ab"]
    text = markdown(rows)
    assert "Data: random inputs, no data set." in text and "WARNING" not in text
    assert "Data:" not in notes([row("a", dataset_note="", **blank)])


@pytest.mark.parametrize("width", [80, 110, 160])
def test_every_width_shows_every_arm(width):
    from io import StringIO

    from rich.console import Console

    extra = {
        "peak_training_memory_bytes": 10**9,
        "energy_mj_per_image": 3.0,
        "macs_uncounted": ["aten::x"],
        "form": "compile",
    }
    rows = [*many(2), row("last", **extra)]
    console = Console(width=width, file=StringIO(), color_system=None)
    console.print(reports.comparison_grid(summarise(rows)))
    lines = console.file.getvalue().splitlines()
    assert max(map(len, lines)) <= width
    assert any(line.split()[:1] == ["last"] for line in lines)
    hidden = [line for line in lines if "Hidden columns (terminal too narrow): ptflops" in line]
    assert bool(hidden) == (width < 150)


def test_the_newer_fields_survive_csv():
    rows = [row(throughput_ladder=[{"batch": 1, "images_per_s": 2.5}], latency_rounds=[20, 20])]
    assert read_records(records_csv(rows)) == rows
