"""Render sections as one HTML file: interactive figure, tables, figures, provenance."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reports.runs.run import Run
from reports.runs.section import QUANTITIES, Point, Section, Table
from reports.tables.records import Row, dataset_label

if TYPE_CHECKING:
    from jinja2 import Environment

_FOLDER = Path(__file__).parent
_RECONSTRUCTED = (
    "† The mixer is a reconstruction from an abstract; neither equations nor code of its authors "
    "were available."
)
_DIGITS = 5
"""Significant ones, of numbers in the interactive figure."""


def make_page(sections: Sequence[Section], runs: Sequence[Run]) -> str:
    """One HTML page of everything, which opens offline and loads nothing."""
    from plotly.offline import get_plotlyjs

    points = [point for section in sections for point in section.points]
    tables = [
        _table(table, f"{number}-{stem}")
        for number, section in enumerate(sections)
        for stem, table in section.tables.items()
    ]
    figures = [
        {"title": f"{section.title}: {stem}", "source": _data_url(figure)}
        for section in sections
        for stem, figure in section.figures.items()
    ]
    return (
        _environment()
        .get_template("page.html.jinja")
        .render(
            title="; ".join(section.title for section in sections),
            tables=tables,
            figures=figures,
            provenance=_provenance(sections, runs),
            data={"quantities": _measured(points), "points": [_plain(point) for point in points]},
            has_points=any(len(point.values) > 1 for point in points),
            reconstructed=_RECONSTRUCTED if _has_reconstructed(sections) else "",
            plotly=get_plotlyjs(),
        )
    )


def make_table_page(table: Table) -> str:
    """One table as an HTML document of its own."""
    return _environment().get_template("table.html.jinja").render(table=_table(table, "table"))


@cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals["style"] = (_FOLDER / "page.css").read_text(encoding="utf-8")
    environment.globals["script"] = (_FOLDER / "page.js").read_text(encoding="utf-8")
    return environment


def _table(table: Table, key: str) -> dict[str, Any]:
    """A table as its template takes it; each row has the identity of its record."""
    grid = table.grid
    rows = [
        {
            "id": table.ids[row] if table.ids else "",
            "cells": [
                {"text": column.cells[row], "best": row in column.best, "number": column.number}
                for column in grid.columns
            ],
        }
        for row in range(len(grid.columns[0].cells))
    ]
    headings = [{"text": column.heading, "number": column.number} for column in grid.columns]
    return {
        "key": key,
        "title": grid.title,
        "headings": headings,
        "rows": rows,
        "notes": grid.notes,
    }


def _plain(point: Point) -> dict[str, Any]:
    return {
        "label": point.label,
        "series": point.series,
        "values": {key: _round(value) for key, value in point.values.items()},
        "intervals": {
            key: [_round(low), _round(high)] for key, (low, high) in point.intervals.items()
        },
        "front": point.on_front,
        "details": point.details,
        "command": point.command,
        "id": point.id,
    }


def _round(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def _measured(points: Iterable[Point]) -> dict[str, str]:
    """The quantities that a point has, with their labels."""
    keys = {key for point in points for key in point.values}
    return {key: label for key, label in QUANTITIES.items() if key in keys}


def _data_url(figure: Any) -> str:
    from reports.figures.canvas import png

    return f"data:image/png;base64,{base64.b64encode(png(figure)).decode()}"


def _has_reconstructed(sections: Sequence[Section]) -> bool:
    return any(row.get("reconstructed") for section in sections for row in section.rows)


def _provenance(sections: Sequence[Section], runs: Sequence[Run]) -> list[dict[str, Any]]:
    """For each run what its records say about data, recipe and machine; each value once."""
    return [
        {
            "run": run.name,
            "kind": run.kind.value,
            "records": len(run.rows),
            "command": run.command(""),
            "facts": _facts(run.rows),
        }
        for run in runs
    ]


def _facts(rows: Sequence[Row]) -> list[tuple[str, str]]:
    facts: dict[str, list[str]] = {}
    for row in rows:
        data = {
            "data set": dataset_label(row.get("dataset") or ""),
            "data checksum": row.get("dataset_checksum") or "",
            "data note": row.get("dataset_note") or "",
        }
        recipe = {f"recipe {key}": value for key, value in (row.get("recipe") or {}).items()}
        machine = row.get("cost_fingerprint") or row.get("fingerprint") or {}
        for key, value in {**data, **recipe, **machine}.items():
            text = value if isinstance(value, str) else json.dumps(value)
            if text and text not in facts.setdefault(key, []):
                facts[key].append(text)
    return [(key, ", ".join(values)) for key, values in facts.items() if values]
