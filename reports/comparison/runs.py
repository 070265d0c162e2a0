"""Rows of several runs as the rows of one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from reports.tables.records import Row


def merge(runs: Mapping[str, Sequence[Row]]) -> list[dict[str, Any]]:
    """One list of rows, each with the field `run`: rounds of different runs do not pair.

    Args:
        runs: rows by the name of their run, the baseline's run first. An arm's name that occurs in
            two runs gets the run's added: "fwa (monday)".
    """
    owners: dict[str, set[str]] = {}
    for run, rows in runs.items():
        for row in rows:
            owners.setdefault(row["name"], set()).add(run)
    merged = []
    for run, rows in runs.items():
        for row in rows:
            name = row["name"] if len(owners[row["name"]]) == 1 else f"{row['name']} ({run})"
            merged.append({**row, "name": name, "run": run})
    return merged
