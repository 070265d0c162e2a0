"""Differences to the first arm: paired by seed, in the table and in words."""

from __future__ import annotations

import pytest

from reports.comparison.summary import summarise
from reports.comparison.table import comparison_columns
from tests.reports.rows import row


def arm(name, accuracies, **changes):
    return [
        row(name, seed=seed, accuracy=accuracy, **changes)
        for seed, accuracy in enumerate(accuracies)
        if accuracy is not None
    ]


BASE = arm("base", [0.850, 0.852, 0.848])


def effects(*arms):
    return {made.arm: made for made in summarise([*BASE, *(r for rows in arms for r in rows)]).arms}


def test_better_worse_and_no_difference():
    made = effects(
        arm("good", [0.871, 0.872, 0.869]),
        arm("bad", [0.830, 0.832, 0.828]),
        arm("same", [0.853, 0.846, 0.851]),
    )
    verdicts = {name: made[name].accuracy_verdict for name in made}
    assert verdicts == {
        "base": "baseline",
        "good": "better",
        "bad": "worse",
        "same": "no difference found",
    }
    good = made["good"]
    assert good.accuracy_effect == pytest.approx(0.0206667, abs=1e-6)
    assert good.accuracy_effect_low < good.accuracy_effect < good.accuracy_effect_high
    assert good.accuracy_effect_seeds == 3 and good.accuracy_p < 0.05
    assert made["same"].accuracy_detectable > 0.003


def test_only_shared_seeds_on_the_same_images_pair():
    made = effects(
        arm("two", [0.86, None, 0.86]),
        arm("one", [0.86, None, None]),
        arm("other images", [0.9, 0.9, 0.9], dataset_checksum="other"),
    )
    assert made["two"].accuracy_effect_seeds == 2
    assert made["one"].accuracy_effect is None
    assert made["other images"].accuracy_effect is None


def test_one_seed_has_no_column():
    summary = summarise([row("a", seed=0), row("b", seed=0)])
    assert "effect" not in [column.key for column in comparison_columns(summary)]
    assert all(made.accuracy_verdict is None for made in summary.arms)
    assert not any(note.startswith("Δ") for note in summary.notes)


def test_the_notes_say_what_could_not_be_seen():
    summary = summarise([*BASE, *arm("same", [0.853, 0.846, 0.851])])
    (note,) = [note for note in summary.notes if note.startswith("Δ")]
    assert "paired over 3 seeds" in note and "same: no difference found (smaller than" in note
    (column,) = [column for column in comparison_columns(summary) if column.key == "effect"]
    assert column.cells[0] == "baseline" and ", p = " in column.cells[1]
