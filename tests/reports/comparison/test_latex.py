"""The LaTeX table compiles with booktabs alone, whatever the names hold."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from reports.comparison.summary import summarise
from reports.comparison.table import to_latex
from reports.tables.latex import escape
from tests.reports.rows import many, row

NASTY = r"_ % & # $ ~ ^ \ { } < > | \" ' ` -- [x] * † × é ž 中 → … \input{x}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a_b", r"a\_b"),
        ("5 %", r"5 \%"),
        ("--force", "-{}-force"),
        ("\\", r"\textbackslash{}"),
        ("fwa†", r"fwa$^{\dagger}$"),
        ("中", "[U+4E2D]"),
    ],
)
def test_escape(text, expected):
    assert escape(text) == expected


def test_a_row_never_starts_with_an_option():
    assert "\n{}[x] & " in str(to_latex(summarise([row("[x]"), row("b")])))


def test_the_environment_is_complete():
    text = str(to_latex(summarise(many(3), title="Mixers at 2 M")))
    assert r"\label{tab:mixers-at-2-m}" in text
    assert r"\caption{Mixers at 2 M}" in text
    assert text.count(r"\begin{") == text.count(r"\end{")
    assert r"\label{tab:own}" in str(to_latex(summarise(many(3)), label="tab:own"))


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_pdflatex_takes_every_kind_of_table(tmp_path):
    failed = {"state": "failed", "accuracy": None}
    cases = {
        "wide": [*many(8, 2), row(NASTY, reason=NASTY, **failed)],
        "nasty": [row(f"[{NASTY}"), row(f"*{NASTY}", reason=NASTY, latency=None, **failed)],
        "costs": [row("a", accuracy=None), row("b", accuracy=None)],
        "failed": [row("a", latency=None, reason="boom", **failed)],
    }
    for name, rows in cases.items():
        (tmp_path / f"{name}.tex").write_text(
            str(to_latex(summarise(rows, title=NASTY), label=name))
        )
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
    assert ran.returncode == 0, ran.stdout.decode(errors="replace")[-2000:]
    assert (tmp_path / "paper.pdf").exists()
