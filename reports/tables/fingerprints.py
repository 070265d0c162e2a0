"""Where the conditions of measurements differ: numbers of a clock or a machine need equal ones."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

from reports.tables.records import Row

Differing: TypeAlias = dict[str, list[Any]]
"""By field the distinct values in order of appearance, two at least; None where it is absent."""

CODE = frozenset({"commit", "dirty", "lolvit_bench"})
"""What says which code was measured, not where."""


def conditions(row: Row) -> dict[str, Any]:
    """What the costs of a row were measured with; empty where it has none.

    Threads of a timing are chosen by the run, not given by the machine, but count all the same.
    """
    if not row["cost_fingerprint"]:
        return {}
    threads = {field: row.get(field) for field in ("latency_threads", "throughput_threads")}
    return {**row["cost_fingerprint"], **threads}


def differing(each: Iterable[Mapping[str, Any]], *, ignored: Iterable[str] = ()) -> Differing:
    """The fields in which mappings differ; empty mappings say nothing and are passed over."""
    known = [one for one in each if one]
    found: Differing = {}
    for key in dict.fromkeys(key for one in known for key in one if key not in set(ignored)):
        # As JSON, since True equals 1 and lists are no keys.
        values = {json.dumps(one.get(key), sort_keys=True): one.get(key) for one in known}
        if len(values) > 1:
            found[key] = list(values.values())
    return found


def machines(rows: Sequence[Row]) -> Differing:
    """The conditions that differ between the costs of rows; empty where all may be ranked."""
    return differing(map(conditions, rows))


def listed(found: Differing) -> str:
    """In one line: "cpu: A, B; torch: 2.12, 2.13"."""
    return "; ".join(f"{key}: {', '.join(map(_word, found[key]))}" for key in found)


def _word(value: Any) -> str:
    return "not recorded" if value is None else " ".join(str(value).split()) or "none"
