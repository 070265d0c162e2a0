"""Latencies of a sweep without the drift of its machine.

Trials are timed hours apart, each in rounds with one reference network. The ratio to it is free of
drift; a latency in ms is not. So the latency of a trial is its ratio times the reference's median
over the whole sweep.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from reports.tables.records import Row

RAW = "latency_ms_raw"
"""Field of a row: the median as it was measured, where `latency_ms_median` is without drift."""
RECHECKED = "latency_rechecked"
"""Field of a row: whether it was timed again, together with the rest of the front."""


def without_drift(rows: Sequence[Row]) -> tuple[list[Row], float | None]:
    """Rows whose latency is their ratio times the reference's median, and that median in ms.

    Rows without a ratio or without a reference keep their latency; without any reference there is
    no median.
    """
    references = [
        row["latency_reference_ms_median"] for row in rows if row.get("latency_reference_ms_median")
    ]
    if not references:
        return list(rows), None
    reference = median(references)
    return [_without_drift(row, reference) for row in rows], reference


def with_front_timings(
    rows: Sequence[Row], timings: Mapping[str, Mapping[str, float]]
) -> list[dict[str, Any]]:
    """Rows with the latency fields of their architectures' timing together, by hash."""
    return [
        {
            **row,
            **timings.get(row["architecture_hash"], {}),
            RECHECKED: row["architecture_hash"] in timings,
        }
        for row in rows
    ]


def _without_drift(row: Row, reference: float) -> Row:
    if not row.get("latency_ratio") or not row.get("latency_reference_ms_median"):
        return row
    return {
        **row,
        RAW: row["latency_ms_median"],
        "latency_ms_median": row["latency_ratio"] * reference,
    }
