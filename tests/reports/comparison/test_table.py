"""One selection of columns in four formats."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from reports.comparison.summary import summarise
from reports.comparison.table import comparison_columns, comparison_grid, to_csv
from tests.reports.rows import many, row

FAILED = row("x", state="failed", reason="out of memory", accuracy=None)


def render(summary, width):
    console = Console(width=width, file=StringIO(), color_system=None)
    console.print(comparison_grid(summary))
    return console.file.getvalue()


def keys(rows):
    return [column.key for column in comparison_columns(summarise(rows))]


def test_rows_without_accuracy_have_no_accuracy_column():
    assert "accuracy" not in keys([row("a", accuracy=None), row("b", accuracy=None)])


def test_the_status_column_appears_with_the_first_failure():
    assert "status" not in keys(many(3))
    assert "status" in keys([*many(3), FAILED])


def test_a_printed_ratio_never_touches_one_while_claiming_a_difference():
    near = row("b", latency=3.004)
    ratio = next(c for c in comparison_columns(summarise([row("a"), near])) if c.key == "ratio")
    assert ratio.cells[1].startswith("1.001 [1.001")


@pytest.mark.parametrize("width", [80, 100, 120])
@pytest.mark.parametrize("rows", [many(3, 2), [*many(5), FAILED], [FAILED]], ids=len)
def test_the_terminal_shows_every_arm_on_one_line(rows, width):
    text = render(summarise(rows), width)
    assert max(map(len, text.splitlines())) <= width
    for record in rows:
        assert any(line.split()[:1] == [printed_name(record)] for line in text.splitlines())


def printed_name(record):
    return record["name"] + ("†" if record["reconstructed"] else "")


def test_a_narrow_terminal_names_its_hidden_columns():
    assert "Hidden columns (terminal too narrow): ptflops" in render(
        summarise([*many(5), FAILED]), 80
    )


def test_markdown_escapes_what_would_end_a_cell_or_start_markup():
    text = comparison_grid(summarise([row("a|b*c_d"), row("$x$ <b>")])).markdown()
    assert r"a\|b\*c_d" in text
    assert r"\$x\$ \<b>" in text
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert len({line.replace(r"\|", "").count("|") for line in rows}) == 1


def test_a_failed_arm_shows_costs_and_reason():
    text = comparison_grid(summarise([*many(2), FAILED])).markdown()
    (line,) = [line for line in text.splitlines() if line.startswith("| x")]
    assert "25.0" in line
    assert "failed: out of memory" in line


def test_csv_round_trips_unrounded():
    import pandas as pd

    summary = summarise([*many(4, 2), FAILED])
    frame = summary.to_frame()
    read = pd.read_csv(StringIO(to_csv(summary)))
    assert list(read.columns) == list(frame.columns)
    for name in frame.columns:
        expected = [None if pd.isna(v) or v == "" else v for v in frame[name]]
        assert [None if pd.isna(v) else v for v in read[name]] == expected, name
