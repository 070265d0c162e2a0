"""A report of runs of any kind: its files, and that they are a function of the records."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
import time
from html.parser import HTMLParser
from pathlib import Path

import pytest

import reports
from reports.report import UnknownColumn
from reports.runs.run import Run, RunKind
from reports.runs.sweep import sweep_section
from tests.reports.rows import row
from tests.reports.runs.stored_runs import comparison, hostile, scaled, searched

IMAGES = (".png", ".pdf", ".svg")


def written(folder: Path, *runs: Run, **options) -> dict[str, bytes]:
    reports.write_report(runs, folder, **options)
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def names(stem: str, endings: tuple[str, ...]) -> set[str]:
    return {stem + ending for ending in endings}


TABLE = (".md", ".csv", ".html", ".tex")
FILES = {
    "comparison": (
        comparison(),
        {"index.html", "records.csv"}
        | names("table", TABLE)
        | names("pareto", IMAGES)
        | names("effects", IMAGES)
        | names("curves", IMAGES),
    ),
    "sweep": (
        searched(),
        {"index.html", "trials.csv"} | names("front", (*TABLE, *IMAGES)),
    ),
    "scaling": (scaled(), {"index.html"} | names("scale", (*TABLE, *IMAGES))),
}


@pytest.mark.parametrize("kind", FILES)
def test_each_kind_has_its_files_and_equal_records_give_equal_bytes(tmp_path, kind):
    run, expected = FILES[kind]
    first = written(tmp_path / "first", run)
    assert set(first) == expected
    assert written(tmp_path / "again", run) == first


def test_several_kinds_are_one_report(tmp_path):
    files = written(tmp_path, comparison(), searched("a b"), searched("c"), scaled())
    assert {"table.tex", "a_b-front.svg", "c-front.md", "sizes-scale.csv"} <= set(files)
    page = files["index.html"].decode()
    assert all(f"{name}: " in page for name in ("monday", "a b", "c", "sizes"))


class Cells(HTMLParser):
    """The rows of the first table, as texts."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self.inside = False

    def handle_starttag(self, tag, attrs):
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.inside = True
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        if tag in ("td", "th"):
            self.inside = False

    def handle_data(self, text):
        if self.inside:
            self.rows[-1][-1] += text


@pytest.mark.parametrize(("run", "stem"), [(comparison(), "table"), (searched(), "front")])
def test_html_and_markdown_have_the_same_cells(tmp_path, run, stem):
    files = written(tmp_path, run)
    parser = Cells()
    parser.feed(files[f"{stem}.html"].decode())
    lines = [line for line in files[f"{stem}.md"].decode().splitlines() if line.startswith("|")]
    cells = [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines]
    plain = [[re.sub(r"\\(.)", r"\1", cell.strip("*")) for cell in line] for line in cells]
    assert [[cell.strip() for cell in line] for line in parser.rows] == [plain[0], *plain[2:]]


def test_every_row_names_its_record(tmp_path):
    run = comparison()
    files = written(tmp_path, run)
    hashes = dict.fromkeys(fields["architecture_hash"] for fields in run.rows)
    assert re.findall(r'<tr data-record="([^"]+)">', files["table.html"].decode()) == list(hashes)
    records = list(csv.DictReader(io.StringIO(files["records.csv"].decode())))
    assert {record["architecture_hash"] for record in records} == set(hashes)


def test_texts_of_users_are_escaped(tmp_path):
    files = written(tmp_path, hostile())
    for name in ("index.html", "table.html"):
        page = files[name].decode()
        own = page.split("plotly.js v", 1)[0]
        for markup in ("<script>alert", "<img src=x", "<b>run", "<u>why", "<i>note", "<tt>"):
            assert markup not in page, (name, markup)
        assert "&lt;script&gt;alert(1)" in own and "49" not in own.partition("{{ 7")[0][-40:]


def test_accuracies_of_two_splits_are_two_quantities():
    points = sweep_section(searched()).points
    assert points and all(
        point.values["val_accuracy"] == pytest.approx(point.values["accuracy"] + 1)
        for point in points
    )
    untested = dict(searched().rows[0], state="finished", val_accuracy=0.5, test_accuracy=None)
    run = Run("s", RunKind.SWEEP, [untested], title="t", objectives={"params": "minimize"})
    assert "accuracy" not in sweep_section(run).points[0].values


def test_no_address_is_loaded(tmp_path):
    page = written(tmp_path, searched())["index.html"].decode()
    assert not re.search(r"<(script|link|img)[^>]*(src|href)=\"(?!data:)", page)


def test_columns_are_chosen_and_ordered(tmp_path):
    files = written(tmp_path, comparison(), columns=["macs", "accuracy"])
    header = next(line for line in files["table.md"].decode().splitlines() if line.startswith("|"))
    assert [cell.split()[0] for cell in header.split("|")[1:-1]] == ["Arm", "MACs", "Accuracy"]
    parser = Cells()
    parser.feed(files["table.html"].decode())
    assert {len(line) for line in parser.rows} == {3}
    assert files["table.tex"].decode().count("&") == 2 * (2 + 4)
    assert "Machine" not in files["table.tex"].decode() and b"Machine" in files["table.md"]
    with pytest.raises(UnknownColumn, match=r"no column 'mac'|has a column 'mac'; available: arm,"):
        reports.write_report([comparison()], tmp_path, columns=["mac"])


ODD = {
    "one arm": [row("a")],
    "all right": [row(name, seed=s, accuracy=1.0) for name in "ab" for s in range(3)],
    "equal in all seeds": [row(name, seed=s, accuracy=0.5) for name in "ab" for s in range(3)],
    "one seed": [row("a"), row("b")],
    "nothing finished": [row("a", state="failed", reason="boom", accuracy=None, latency=None)],
    "costs only": [row("a", accuracy=None), row("b", accuracy=None)],
    "no costs": [row("a", latency=None), row("b", latency=None)],
    "a loss that is no number": [
        row(
            "a",
            curve=[{"epoch": n, "train_loss": float("nan"), "val_accuracy": 0.1} for n in (1, 2)],
        ),
        row("b"),
    ],
    "an accuracy of one arm": [row("a", accuracy=None), row("b"), row("c", accuracy=0.1)],
}


@pytest.mark.parametrize("case", ODD)
def test_odd_records_do_not_break_a_report(tmp_path, case):
    files = written(tmp_path, Run("odd", RunKind.COMPARISON, ODD[case]))
    assert {"index.html", "table.tex", "table.html"} <= set(files)
    assert b"nan" not in files["table.md"].lower()


def test_a_sweep_without_a_finished_trial(tmp_path):
    rows = [dict(fields, state="pruned") for fields in searched().rows[:5]]
    run = Run("s", RunKind.SWEEP, rows, title="t", objectives={"macs": "minimize"})
    assert set(written(tmp_path, run)) == {"index.html", "trials.csv"}


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="pdflatex is not installed")
def test_pdflatex_takes_the_tables(tmp_path):
    written(tmp_path, comparison(), searched(), scaled())
    inputs = "\n".join(
        rf"\input{{{path.stem}}}\clearpage" for path in sorted(tmp_path.glob("*.tex"))
    )
    (tmp_path / "paper.tex").write_text(
        r"\documentclass{article}\usepackage{booktabs}\begin{document}"
        f"\n{inputs}\n" + r"\end{document}"
    )
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "paper.tex"]
    for _ in range(2):  # the first one collects labels
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, errors="replace"
        )
        assert done.returncode == 0, done.stdout[-2000:]
    assert "Warning" not in done.stdout


@pytest.mark.slow
def test_ten_thousand_records_take_less_than_a_minute(tmp_path):
    start = time.monotonic()
    files = written(tmp_path, searched(trials=10_000))
    assert time.monotonic() - start < 120  # 60 s on an idle machine
    assert len(files["index.html"]) < 16e6


def test_two_thousand_trials_fit_in_six_megabytes(tmp_path):
    assert len(written(tmp_path, searched(trials=2_000))["index.html"]) < 6e6
