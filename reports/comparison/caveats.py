"""What forbids to compare rows, said as warnings: other machines, other data, unequal budgets."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from reports.comparison.arm import Arm
from reports.tables.fingerprints import differing, listed, machines
from reports.tables.records import Row

BUDGET = 0.02
"""Arms whose params or MACs differ by more than this share are not equal budgets."""


def caveats(arms: Sequence[Arm], rows: Sequence[Row], *, forced: bool = False) -> list[str]:
    """The warnings that apply; none where all rows may stand in one ranking.

    Args:
        arms: in table order, the baseline first.
        rows: the records they were made from.
        forced: rows are ranked although their fingerprints differ.
    """
    return [*_costs(rows, forced), *_set_ups(rows), *_datasets(rows), *_budgets(arms)]


def several(values: Iterable[Any]) -> str:
    """Distinct values in order of appearance: "200", or "200, 100" where rows disagree."""
    return ", ".join(dict.fromkeys(str(value) for value in values))


def _costs(rows: Sequence[Row], forced: bool) -> list[str]:
    found = machines(rows)
    if not found:
        return []
    consequence = (
        "ranked all the same, as --force asked: differences may be the machine's, not the arm's"
        if forced
        else "latencies, throughputs and memory are not comparable and not ranked"
    )
    return [f"WARNING: fingerprints differ ({listed(found)}): {consequence}."]


def _set_ups(rows: Sequence[Row]) -> list[str]:
    # Without training there is no accuracy that a set-up could have changed.
    found = differing(row["fingerprint"] for row in rows if row["test_accuracy"] is not None)
    if not found:
        return []
    what = "accuracies come from different set-ups"
    return [f"WARNING: fingerprints of trainings differ ({listed(found)}): {what}."]


def _datasets(rows: Sequence[Row]) -> list[str]:
    fields = ("dataset", "dataset_checksum", "resolution")
    found = differing({field: row[field] for field in fields} for row in rows)
    if not found:
        return []
    # Random inputs have a size and nothing else that could differ.
    what = "data sets" if {"dataset", "dataset_checksum"} & set(found) else "inputs"
    return [f"WARNING: {what} differ between rows ({listed(found)})."]


def _budgets(arms: Sequence[Arm]) -> list[str]:
    base, odd = arms[0], []
    for each in arms[1:]:
        gaps = []
        for what, mine, its in (
            ("params", base.params, each.params),
            ("MACs", _counted(base), _counted(each)),
        ):
            if mine and its is not None and abs(its / mine - 1) > BUDGET:
                gaps.append(f"{what} {100 * (its / mine - 1):+.1f} %")
        if gaps:
            odd.append(f"{each.arm} ({', '.join(gaps)})")
    if not odd:
        return []
    return [f"Unequal budgets, more than 2 % from {base.arm}: {', '.join(odd)}."]


def _counted(each: Arm) -> int | None:
    """MACs, where they are no lower bound."""
    return None if each.macs_uncounted else each.macs
