"""A report is whole or absent, and importing the package is cheap."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import reports
from reports.comparison import files as comparison_files
from reports.tables.records import read_records, records_csv
from tests.reports.rows import many, row

ROOT = Path(__file__).parents[3]
TABLES = ["table.md", "table.csv", "table.tex", "records.csv"]


def test_write_makes_all_files(tmp_path):
    paths = reports.write_comparison(many(2), tmp_path / "new" / "run", title="Two")
    assert [path.name for path in paths] == [*TABLES, "pareto.png", "pareto.pdf"]
    assert all(path.stat().st_size for path in paths)
    assert sorted((tmp_path / "new" / "run").iterdir()) == sorted(paths)


def test_a_report_without_accuracy_has_no_figure_and_removes_an_old_one(tmp_path):
    reports.write_comparison(many(2), tmp_path, title="Two")
    paths = reports.write_comparison([row(accuracy=None)], tmp_path, title="Costs")
    assert [path.name for path in paths] == TABLES
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(TABLES)


def test_an_error_leaves_the_older_report_as_it_was(tmp_path, monkeypatch):
    reports.write_comparison(many(2), tmp_path, title="Old")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def broken_latex(summary):
        raise RuntimeError("boom")

    monkeypatch.setattr(comparison_files, "to_latex", broken_latex)
    with pytest.raises(RuntimeError, match="boom"):
        reports.write_comparison(many(3), tmp_path, title="New")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_records_round_trip():
    rows = [
        *many(2, 2),
        row("1e5", state="failed", reason='line\nbreak, "quotes"\r', accuracy=None),
        row("null", reason="", weights="true", dataset_note="[1]"),
        row("é†", latency=None, accuracy=None, recipe={"a": [1, {"b": None}], "c": "ü"}),
    ]
    assert read_records(records_csv(rows)) == rows


def test_a_field_that_a_row_lacks_is_none():
    assert read_records(records_csv([{"a": 1}, {"b": "x"}])) == [
        {"a": 1, "b": None},
        {"a": None, "b": "x"},
    ]


def heavy_modules_after(code):
    """Names of the heavy modules that a fresh interpreter has imported after running `code`."""
    heavy = {"torch", "pandas", "matplotlib", "scipy", "numpy", "rich", "runners"}
    code = f"import sys\n{code}\nprint(*sorted({heavy} & set(sys.modules)))"
    command = [sys.executable, "-c", code]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
    return set(ran.stdout.split())


def test_importing_reports_loads_no_heavy_module():
    assert heavy_modules_after("import reports") == set()


def test_a_terminal_table_needs_neither_pandas_nor_matplotlib():
    code = (
        "from tests.reports.rows import many; from reports import comparison_grid, summarise\n"
        "import io, rich.console\n"
        "rich.console.Console(file=io.StringIO()).print(comparison_grid(summarise(many(3))))"
    )
    assert not heavy_modules_after(code) & {"pandas", "matplotlib", "torch", "runners"}


def test_writing_a_report_needs_neither_torch_nor_runners(tmp_path):
    code = (
        "from tests.reports.rows import many; from pathlib import Path; import reports\n"
        f"reports.write_comparison(many(2), Path({str(tmp_path)!r}), title='t')"
    )
    assert not heavy_modules_after(code) & {"torch", "runners"}


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="wirte"):
        reports.wirte  # noqa: B018
