"""Records to one summary: an arm per row, its fronts, and the notes every table carries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import TYPE_CHECKING, Any

from reports.comparison.arm import Arm
from reports.comparison.notes import notes
from reports.comparison.seeds import together, with_costs
from reports.statistics.fronts import accuracy_cost_front
from reports.tables.fingerprints import machines
from reports.tables.records import Row

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Summary:
    """What every table and figure is drawn from."""

    title: str
    arms: tuple[Arm, ...]
    """In the order given; the first is the baseline of all ratios."""
    notes: tuple[str, ...]
    """One sentence or two each; a table is not to be shown without them."""
    dataset: str
    """The data set's note, in words; empty where the rows carry none."""
    ranked: bool = True
    """Whether numbers of the clock and of the machine's memory may be held against each other."""

    @property
    def has_accuracy(self) -> bool:
        """False for a run of costs alone."""
        return any(each.test_accuracy_mean is not None for each in self.arms)

    def frame(self) -> pd.DataFrame:
        """One row per arm, one column per field of `Arm`, nothing rounded.

        Whole numbers stay whole where an arm lacks one (pandas' nullable Int64).
        """
        import pandas as pd

        names = [field.name for field in fields(Arm)]
        table = pd.DataFrame([asdict(each) for each in self.arms], columns=names)
        kinds = {field.name: str(field.type) for field in fields(Arm)}
        whole = {name: "Int64" for name in names if kinds[name].startswith("int")}
        real = {name: "float64" for name in names if kinds[name].startswith("float")}
        return table.astype(whole | real)


def summarise(rows: Sequence[Row], *, title: str = "Comparison", force: bool = False) -> Summary:
    """Aggregate records, one per arm x seed, into one row per arm.

    Where fingerprints of the costs differ, nothing that depends on the clock or the machine is
    ranked: no ratio, no best value, no latency front. Counts and accuracies still are.

    Args:
        rows: as `Record.flat` makes them, of several runs as `reports.merge` does.
            Arms keep the order of their first row; two rows are one arm when name, architecture
            hash, form and run agree.
        title: of tables and figures.
        force: rank in spite of fingerprints that differ; the notes say so.

    Raises:
        ValueError: there are no rows.
    """
    if not rows:
        raise ValueError("no records to report")
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        key = (row["name"], row["architecture_hash"], row.get("form") or "eager", row.get("run"))
        groups.setdefault(key, []).append(row)
    seeds = list(groups.values())
    ranked = force or not machines(rows)
    baseline = with_costs(seeds[0]) if ranked else None
    arms = [together(group, baseline, first=group is seeds[0]) for group in seeds]
    flagged = _flag(arms, ranked=ranked)
    described = dict.fromkeys(row["dataset_note"] or row["dataset"] for row in rows)
    return Summary(
        title=title,
        arms=tuple(flagged),
        notes=tuple(notes(flagged, rows, forced=force)),
        dataset="; ".join(text for text in described if text),
        ranked=ranked,
    )


def _flag(arms: Sequence[Arm], *, ranked: bool) -> list[Arm]:
    """Mark the arms on the accuracy-latency and on the accuracy-MACs front."""
    by_latency = _on_front(arms, [each.latency_ms_median if ranked else None for each in arms])
    # What is only known to cost at least so much has no place on or off a front.
    by_macs = _on_front(arms, [None if each.macs_uncounted else each.macs for each in arms])
    return [
        replace(each, on_latency_front=place in by_latency, on_macs_front=place in by_macs)
        for place, each in enumerate(arms)
    ]


def _on_front(arms: Sequence[Arm], costs: Sequence[float | None]) -> set[int]:
    """Places of the arms on one front; an arm without accuracy or cost is on none."""
    points = [
        (place, each.test_accuracy_mean, cost)
        for place, (each, cost) in enumerate(zip(arms, costs, strict=True))
        if each.test_accuracy_mean is not None and cost is not None
    ]
    mask = accuracy_cost_front(
        [accuracy for _, accuracy, _ in points], [cost for _, _, cost in points]
    )
    return {place for (place, _, _), on in zip(points, mask, strict=True) if on}
