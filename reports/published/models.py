"""Published models as a table of their own: reported by their sources, not measured here."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from reports.runs.section import Section, Table
from reports.tables.column import Column
from reports.tables.grid import Grid
from reports.tables.records import cells_csv

_FILE = Path(__file__).parent / "models.csv"
_TITLE = "Published models on ImageNet-1K, as reported by their sources"
_NOTES = (
    "Reported: every number of this table is the one that its source printed. Nothing of it was "
    "measured here, and no front or figure of this report contains it.",
    "Sources train with different recipes, resolutions and distillation, and count MACs in "
    "different ways: read differences of a point with that in mind.",
)


@cache
def published_models() -> Sequence[dict[str, str]]:
    """All models with the fields model, params_m, macs_m, resolution, imagenet_top1, distilled,
    source; texts as they were printed, "" where a source gives no number.
    """
    with _FILE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def published_section() -> Section:
    """The section of published models, by their MACs."""
    models = sorted(published_models(), key=lambda model: _number(model["macs_m"]))
    headings = {
        "model": ("Model", "", False),
        "params_m": ("Params", "M, reported", True),
        "macs_m": ("MACs", "M, reported", True),
        "resolution": ("Resolution", "px", True),
        "imagenet_top1": ("Top-1", "%, reported", True),
        "distilled": ("Distilled", "", False),
        "source": ("Source", "", False),
    }
    columns = [
        Column(key, name, unit, tuple(model[key] for model in models), number=number)
        for key, (name, unit, number) in headings.items()
    ]
    cells = [[model[key] for key in headings] for model in models]
    grid = Grid(_TITLE, columns, _NOTES, ("distilled", "resolution"))
    return Section(
        title=_TITLE,
        tables={"published": Table(grid, cells_csv(list(headings), cells))},
        figures={},
        files={},
    )


def _number(text: str) -> float:
    return float(text) if text else float("inf")
