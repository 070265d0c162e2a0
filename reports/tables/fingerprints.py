"""Conditions of measurements, and how they differ between rows that are to be compared."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from reports.tables.records import Row

Differing: TypeAlias = dict[str, list[Any]]
"""By field the distinct values in order of appearance, two at least; None where it is absent."""

CODE = frozenset({"commit", "dirty", "lolvit_bench"})
"""Fields that identify the code that was measured, not the machine."""


def conditions(row: Row) -> dict[str, Any]:
    """The conditions under which the costs of a row were measured; empty where it has none.

    Threads of a timing are set by the run, not by the machine, but belong to them.
    """
    if not row["cost_fingerprint"]:
        return {}
    threads = {field: row.get(field) for field in ("latency_threads", "throughput_threads")}
    return {**row["cost_fingerprint"], **threads}


def differing_fields(
    mappings: Iterable[Mapping[str, Any]], *, ignored: Iterable[str] = ()
) -> Differing:
    """The fields in which mappings differ; empty mappings are skipped."""
    recorded = [mapping for mapping in mappings if mapping]
    differing: Differing = {}
    for key in dict.fromkeys(key for one in recorded for key in one if key not in set(ignored)):
        # As JSON, since True equals 1 and lists are no keys.
        values = {json.dumps(one.get(key), sort_keys=True): one.get(key) for one in recorded}
        if len(values) > 1:
            differing[key] = list(values.values())
    return differing


def differing_conditions(rows: Sequence[Row]) -> Differing:
    """The conditions that differ between the costs of rows; empty where all may be ranked."""
    return differing_fields(map(conditions, rows))


def list_values(differing: Differing) -> str:
    """Fields and values on one line: "cpu: A, B; torch: 2.12, 2.13"."""
    return "; ".join(
        f"{key}: {', '.join(map(_value_text, values))}" for key, values in differing.items()
    )


def _value_text(value: Any) -> str:
    return "not recorded" if value is None else " ".join(str(value).split()) or "none"
