"""Interactions of two changes, paired by seed and corrected for their number."""

from __future__ import annotations

import numpy as np
import pytest

import reports
from reports.comparison.interactions import find_interactions
from reports.comparison.summary import summarise
from reports.runs.run import Run, RunKind
from tests.reports.rows import row

NAMES = ("base", "a=1", "b=2", "a=1, b=2")


def ablation(effects, seeds=5, noise=0.002, seed=0):
    """Rows of four arms; `effects` are those of a, of b, and their interaction."""
    rng = np.random.default_rng(seed)
    first, second, both = effects
    means = (0.8, 0.8 + first, 0.8 + second, 0.8 + first + second + both)
    shift = rng.normal(0, 0.02, seeds)  # what a seed does to all arms
    return [
        row(name, seed=number, accuracy=mean + shift[number] + rng.normal(0, noise))
        for name, mean in zip(NAMES, means, strict=True)
        for number in range(seeds)
    ]


def groups(rows):
    return [[fields for fields in rows if fields["name"] == name] for name in NAMES]


def test_a_large_interaction_is_found_with_its_size_and_sign():
    for both, verdict in ((0.05, "more than the sum"), (-0.05, "less than the sum")):
        (one,) = find_interactions(groups(ablation((0.01, -0.02, both))))
        assert one.arm == "a=1, b=2" and one.verdict == verdict and one.p < 0.05
        assert one.effect.low < both < one.effect.high
        assert one.effect.difference == pytest.approx(both, abs=0.006)


def test_effects_that_add_up_are_no_interaction():
    found = 0
    for seed in range(200):
        (one,) = find_interactions(groups(ablation((0.03, -0.04, 0.0), seed=seed)))
        found += one.p < 0.05
    assert found <= 20  # 5 % of 200, with room for chance


def test_the_definition():
    rows = ablation((0.01, 0.02, 0.03), noise=0.01)
    (one,) = find_interactions(groups(rows))
    accuracy = {(fields["name"], fields["seed"]): fields["test_accuracy"] for fields in rows}
    naive = [
        accuracy["a=1, b=2", seed]
        - accuracy["a=1", seed]
        - accuracy["b=2", seed]
        + accuracy["base", seed]
        for seed in range(5)
    ]
    assert one.effect.difference == pytest.approx(np.mean(naive))


def test_an_arm_whose_parts_are_no_arms_has_none():
    rows = [fields for fields in ablation((0, 0, 0)) if fields["name"] != "b=2"]
    assert find_interactions([group for group in groups(rows) if group]) == ()
    assert summarise([row("x, y"), row("x")]).interactions == ()
    single = [fields for fields in ablation((0, 0, 0)) if fields["seed"] == 0]
    assert find_interactions(groups(single)) == ()


def test_they_are_a_note_and_a_table(tmp_path):
    rows = ablation((0.0, 0.0, 0.05))
    assert any("a=1, b=2: +5." in note for note in summarise(rows).notes)
    reports.write_report([Run("run", RunKind.COMPARISON, rows)], tmp_path)
    table = (tmp_path / "interactions.md").read_text()
    assert "more than the sum" in table and "a=1, b=2" in table
    assert {f"interactions{end}" for end in (".csv", ".tex", ".html")} <= {
        path.name for path in tmp_path.iterdir()
    }
