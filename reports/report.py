"""Write the report of one run or several: every table and figure, and one page of all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from reports.files import write_files
from reports.runs.run import Run, RunKind
from reports.runs.section import Section
from reports.tables.grid import Grid

PAGE = "index.html"
_WITH_COLUMNS = {"table", "front"}
"""Stems of the tables whose columns can be chosen."""


class UnknownColumn(ValueError):
    """No table has a column of that key; the message is one line, with all that there are."""


def write_report(
    runs: Sequence[Run],
    folder: Path,
    *,
    force: bool = False,
    published: bool = False,
    columns: Sequence[str] = (),
) -> list[Grid]:
    """Write a report: tables as .md, .csv, .tex and .html, figures as .pdf, .svg and .png, a page.

    Arms of all comparisons are in one table; sweeps and scaling studies have their own. Equal
    records give equal bytes. Everything is rendered before the first file is written.

    Args:
        runs: of any kind, with a row at least.
        folder: made if absent; files of the same names are replaced.
        force: rank rows whose fingerprints differ; the notes say so.
        columns: keys of the columns of arms and fronts, in their order; all by default.
        published: add the table of published models, as reported by their sources.

    Returns:
        The tables of the runs, for `rich.console.Console.print`.

    Raises:
        ValueError: there is no run.
        UnknownColumn: no table has such a column.
        OSError: the folder cannot be written to.
    """
    if not runs:
        raise ValueError("no runs to report")
    sections = make_sections(runs, force=force)
    if columns:
        sections = _select_columns(sections, columns)
    grids = [table.grid for _, section in sections for table in section.tables.values()]
    if published:
        from reports.published.models import published_section

        sections.append(("", published_section()))
    from reports.page.page import make_page

    contents: dict[str, bytes] = {}
    for prefix, section in sections:
        contents |= _files(prefix, section)
    contents[PAGE] = make_page([section for _, section in sections], runs).encode()
    write_files(folder, contents)
    return grids


def make_sections(runs: Sequence[Run], *, force: bool) -> list[tuple[str, Section]]:
    """The sections of a report, each with the prefix of its files."""
    from reports.runs.comparison import comparison_section
    from reports.runs.scaling import scaling_section
    from reports.runs.sweep import sweep_section

    sections = []
    compared = [run for run in runs if run.kind is RunKind.COMPARISON]
    if compared:
        sections.append(("", comparison_section(compared, force=force)))
    for kind, make in ((RunKind.SWEEP, sweep_section), (RunKind.SCALING, scaling_section)):
        of_kind = [run for run in runs if run.kind is kind]
        for run in of_kind:
            prefix = "" if len(runs) == 1 else f"{_file_name(run.name)}-"
            sections.append((prefix, make(run)))
    return sections


def _select_columns(
    sections: Sequence[tuple[str, Section]], keys: Sequence[str]
) -> list[tuple[str, Section]]:
    available = {
        column.key: None
        for _, section in sections
        for stem in _WITH_COLUMNS & set(section.tables)
        for column in section.tables[stem].grid.columns
    }
    for key in keys:
        if key not in available:
            raise UnknownColumn(f"no table has a column {key!r}; available: {', '.join(available)}")
    return [(prefix, _with_columns(section, keys)) for prefix, section in sections]


def _with_columns(section: Section, keys: Sequence[str]) -> Section:
    tables = {
        stem: table.select(keys) if stem in _WITH_COLUMNS else table
        for stem, table in section.tables.items()
    }
    return replace(section, tables=tables)


def _files(prefix: str, section: Section) -> dict[str, bytes]:
    from reports.figures.canvas import pdf, png, svg
    from reports.page.page import make_table_page

    contents = {f"{prefix}{name}": content for name, content in section.files.items()}
    for stem, table in section.tables.items():
        contents[f"{prefix}{stem}.md"] = table.grid.markdown().encode()
        contents[f"{prefix}{stem}.csv"] = table.csv.encode()
        contents[f"{prefix}{stem}.html"] = make_table_page(table).encode()
        if table.latex:
            contents[f"{prefix}{stem}.tex"] = str(table.latex).encode()
    for stem, figure in section.figures.items():
        for ending, render in (("png", png), ("pdf", pdf), ("svg", svg)):
            contents[f"{prefix}{stem}.{ending}"] = render(figure)
    return contents


def _file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "_", name)
