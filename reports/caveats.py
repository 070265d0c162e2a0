"""What forbids to compare rows, said as warnings: other machines, other data, unequal budgets."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reports.arm import Arm, Row

BUDGET = 0.02
"""Arms whose params or MACs differ by more than this share are not equal budgets."""


def caveats(arms: Sequence[Arm], rows: Sequence[Row]) -> list[str]:
    """The warnings that apply; none where all rows may stand in one ranking.

    Args:
        arms: in table order, the baseline first.
        rows: the records they were made from.
    """
    return [*_fingerprints(rows), *_datasets(rows), *_budgets(arms)]


def several(values: Iterable[Any]) -> str:
    """Distinct values in order of appearance: "200", or "200, 100" where rows disagree."""
    return ", ".join(dict.fromkeys(str(value) for value in values))


def _fingerprints(rows: Sequence[Row]) -> list[str]:
    said = []
    for field, what in (
        ("cost_fingerprint", "latencies and their ratios are not comparable"),
        ("fingerprint", "accuracies come from different set-ups"),
    ):
        differing = _differing([row[field] for row in rows if row[field]])
        if differing:
            said.append(f"WARNING: fingerprints differ ({differing}): {what}.")
    return said


def _differing(fingerprints: Sequence[Mapping[str, Any]]) -> str:
    keys = dict.fromkeys(key for each in fingerprints for key in each)
    values = {key: several(each.get(key) for each in fingerprints) for key in keys}
    return "; ".join(
        f"{key}: {values[key]}"
        for key in keys
        if len({json.dumps(each.get(key)) for each in fingerprints}) > 1
    )


def _datasets(rows: Sequence[Row]) -> list[str]:
    data = {(row["dataset"], row["dataset_checksum"], row["resolution"]) for row in rows}
    if len(data) < 2:
        return []
    return ["WARNING: data sets, their checksums or resolutions differ between rows."]


def _budgets(arms: Sequence[Arm]) -> list[str]:
    base, odd = arms[0], []
    for each in arms[1:]:
        gaps = []
        for what, mine, its in (
            ("params", base.params, each.params),
            ("MACs", base.macs, each.macs),
        ):
            if mine and its is not None and abs(its / mine - 1) > BUDGET:
                gaps.append(f"{what} {100 * (its / mine - 1):+.1f} %")
        if gaps:
            odd.append(f"{each.arm} ({', '.join(gaps)})")
    if not odd:
        return []
    return [f"Unequal budgets, more than 2 % from {base.arm}: {', '.join(odd)}."]
