"""The table of a front on the terminal, in Markdown and LaTeX, with its notes."""

from __future__ import annotations

import shutil
import subprocess
from io import StringIO

import pytest
from rich.console import Console

import reports
from reports.sweep.summary import summarise_sweep
from reports.sweep.table import columns, latex, markdown, table_notes
from tests.reports.comparison.test_latex import NASTY
from tests.reports.sweep.sweep_rows import COUNTS, FOUR, ONE, THREE, TWO, sweep, trial


def summary(rows, objectives=TWO, **changes):
    return summarise_sweep(rows, objectives=objectives, counts=COUNTS, **changes)


def nasty():
    values = {"$x_y & z|": "a|b%", "50 %": "$\\frac{", NASTY[:20]: 1, "plain": "[x]"}
    return [
        trial(0, values=values, dataset_note=NASTY, reconstructed=True),
        trial(1, accuracy=0.9, latency=9.0, values={"$x_y & z|": "#{", "50 %": "~^"}),
    ]


def printed(publication, width=100, **options):
    console = Console(file=StringIO(), width=width)
    console.print(reports.sweep_terminal(publication, **options))
    return console.file.getvalue()


def test_columns_are_varying_dimensions_and_objectives():
    rows = [
        trial(0, values={"same": 1, "mixer": "fwa", "window": 7, "wide": "x" * 30}),
        trial(1, accuracy=0.9, latency=9.0, values={"same": 1, "mixer": "none", "wide": "y"}),
    ]
    cells = {column.name: column.cells for column in columns(summary(rows))}
    assert cells == {
        "#": ("1", "2"),
        "Trial": ("0", "1"),
        "mixer": ("fwa", "none"),
        "window": ("7", "–"),
        "Val. accuracy": ("80.00", "90.00"),
        "Latency": ("3.00", "9.00"),
        "Test accuracy": ("79.00", "89.00"),
    }
    notes = table_notes(summary(rows))
    assert "Also varying, in front.csv: wide." in notes
    assert "Equal along the front: same 1." in notes


def test_at_most_six_dimensions():
    rows = [
        trial(n, accuracy=0.8 + n / 10, latency=1.0 + n, values={f"d{d}": n for d in range(9)})
        for n in range(2)
    ]
    assert sum(column.key.startswith("dimension ") for column in columns(summary(rows))) == 6
    assert "Also varying, in front.csv: d6, d7, d8." in table_notes(summary(rows))


def test_a_long_front_is_thinned_evenly_and_keeps_its_ends():
    rows = [trial(n, accuracy=0.5 + n / 1000, latency=1.0 + n) for n in range(100)]
    numbers = columns(summary(rows))[0].cells
    assert (len(numbers), numbers[0], numbers[-1]) == (40, "1", "100")
    assert "40 of 100 points, evenly along the front; front.csv has all of them." in table_notes(
        summary(rows)
    )


def test_best_values_are_those_of_the_whole_front():
    rows = [trial(n, accuracy=0.5 + n / 1000, latency=1.0 + n, macs=1000 - n) for n in range(100)]
    rows[50]["macs"] = 10
    macs = next(column for column in columns(summary(rows, THREE)) if column.key == "macs")
    assert len(macs.best) == (50 in {int(n) - 1 for n in columns(summary(rows, THREE))[0].cells})


def test_notes_of_a_sweep():
    noted = "\n".join(table_notes(summary(sweep(60), sampler="TPE, seed 0.")))
    for note in (
        "45 trials finished, 13 pruned, 2 failed, 5 duplicate, 1 infeasible.",
        "Selection uses the validation split; test accuracy is for information only.",
        "Validation accuracies of a search are optimistic",
        "Sampler: TPE, seed 0.",
        "Data: Fashion-MNIST, a subset of 4,000 training images.",
        "measured in each trial next to a reference network, 1 thread.",
        "a tenth of their range beyond the worst",
    ):
        assert note in noted
    assert "WARNING" not in noted and "†" not in noted


def test_notes_of_the_caller_replace_those_of_the_rows():
    noted = table_notes(
        summary(sweep(20), dataset_note="a surrogate of NAS-Bench.", latency_note="looked up")
    )
    assert "Data: a surrogate of NAS-Bench." in noted
    assert "Latency: looked up." in noted
    unmeasured = [trial(0, latency_threads=None)]
    assert any("record no measurement" in note for note in table_notes(summary(unmeasured)))


def test_several_machines_are_a_warning():
    rows = [trial(0), trial(1, cost_fingerprint={"cpu": "other"})]
    first = table_notes(summary(rows))[0]
    assert first.startswith("WARNING: fingerprints differ (cpu: ")
    assert "latency may differ by the machine, and so may the front" in first
    assert "does not depend on them" in table_notes(summary(rows, ONE))[0]


def test_reconstructions_are_marked():
    rows = [trial(0, reconstructed=True)]
    assert columns(summary(rows))[0].cells == ("1†",)
    assert any(note.startswith("† reconstructed") for note in table_notes(summary(rows)))


def test_a_narrow_terminal_drops_dimensions_before_digits(tmp_path):
    publication = reports.publish(summary(sweep(60), FOUR), tmp_path, time="t")
    for width in (60, 100, 160):
        text = printed(publication, width)
        assert max(map(len, text.splitlines())) <= width
        assert "Val. accuracy" in text and "Latency" in text
    assert "Hidden columns (terminal too narrow): window" in printed(publication, 100)
    assert "Selection" not in printed(publication, notes=False)


def test_the_terminal_without_a_front_is_one_line(tmp_path):
    publication = reports.publish(summarise_sweep([], objectives=TWO), tmp_path, time="t")
    assert printed(publication).strip() == "no front: 0 trials finished, 0 pruned, 0 failed"


def test_markdown_escapes_names():
    text = markdown(summary(nasty(), title="a | b"))
    table = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.replace("\\|", "").count("|") for line in table}) == 1
    assert "a\\|b%" in text


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_pdflatex_compiles_every_kind_of_table(tmp_path):
    cases = {
        "one": summary([trial(0)], title=NASTY),
        "nasty": summary(nasty(), title=NASTY, sampler=NASTY, latency_note=NASTY),
        "four": summary(sweep(100), FOUR, title="50 % & $x_y$"),
    }
    for name, case in cases.items():
        (tmp_path / f"{name}.tex").write_text(str(latex(case)))
    inputs = "\n".join(rf"\input{{{name}}}" for name in cases)
    (tmp_path / "paper.tex").write_text(
        "\\documentclass{article}\\usepackage{booktabs}\\begin{document}\n"
        f"{inputs}\n\\end{{document}}\n"
    )
    ran = subprocess.run(
        ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "paper.tex"],
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
    )
    output = ran.stdout.decode(errors="replace")
    assert ran.returncode == 0, output[-2000:]
    assert "too large for page" not in output
