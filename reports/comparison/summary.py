"""Summary of a comparison: one arm per architecture, its fronts, and the notes of every table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from reports.comparison.arm import Arm
from reports.comparison.effects import add_effects
from reports.comparison.fronts import flag_fronts
from reports.comparison.interactions import (
    Interaction,
    find_interactions,
    interaction_notes,
)
from reports.comparison.notes import comparison_notes
from reports.comparison.seeds import aggregate_seeds, row_with_costs
from reports.tables.fingerprints import differing_conditions
from reports.tables.records import Row, data_text, dataset_label

if TYPE_CHECKING:
    import pandas as pd

_NAMED_ARMS = 5


@dataclass(frozen=True)
class Summary:
    """The data of every table and figure of a comparison."""

    title: str
    arms: tuple[Arm, ...]
    """In the order given; the first is the baseline of all ratios."""
    notes: tuple[str, ...]
    """One or two sentences each; no table should be shown without them."""
    dataset: str
    """The note on the data set; empty where the rows carry none."""
    interactions: tuple[Interaction, ...] = ()
    """Of an ablation's pairs of changes."""
    ranked: bool = True
    """Whether times and memory of different rows may be compared."""

    @property
    def has_accuracy(self) -> bool:
        """False for a run of costs alone."""
        return any(arm.test_accuracy_mean is not None for arm in self.arms)

    def to_frame(self) -> pd.DataFrame:
        """One row per arm, one column per field of `Arm`, nothing rounded.

        Whole numbers stay whole where an arm lacks one (pandas' nullable Int64).
        """
        import pandas as pd

        names = [field.name for field in fields(Arm)]
        table = pd.DataFrame([asdict(arm) for arm in self.arms], columns=names)
        kinds = {field.name: str(field.type) for field in fields(Arm)}
        whole = {name: "Int64" for name in names if kinds[name].startswith("int")}
        real = {name: "float64" for name in names if kinds[name].startswith("float")}
        return table.astype(whole | real)


def summarise(rows: Sequence[Row], *, title: str = "Comparison", force: bool = False) -> Summary:
    """Aggregate records, one per arm x seed, into one row per arm.

    Where fingerprints of the costs differ, nothing that depends on the clock or the machine is
    ranked: no ratio, no best value, no latency front. Counts and accuracies still are.

    Args:
        rows: as `Record.flat` makes them, of several runs as `merge_runs` does.
            Arms keep the order of their first row; two rows are one arm when name, architecture
            hash, form and run agree.
        title: of tables and figures.
        force: rank although fingerprints differ; the notes say so.

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
    ranked = force or not differing_conditions(rows)
    baseline = row_with_costs(seeds[0]) if ranked else None
    arms = [aggregate_seeds(group, baseline, is_baseline=group is seeds[0]) for group in seeds]
    arms = add_effects(flag_fronts(arms, ranked=ranked), seeds)
    interactions = find_interactions(seeds)
    return Summary(
        title=title,
        arms=tuple(arms),
        notes=(*comparison_notes(arms, rows, forced=force), *interaction_notes(interactions)),
        interactions=interactions,
        dataset=data_text(rows),
        ranked=ranked,
    )


def comparison_title(rows: Sequence[Row]) -> str:
    """The arms, where they fit, and the data sets; random inputs are no data set."""
    names = list(dict.fromkeys(row["name"] for row in rows))
    datasets = list(dict.fromkeys(dataset_label(row["dataset"]) for row in rows))
    text = ", ".join(names) if len(names) <= _NAMED_ARMS else f"{len(names)} arms"
    return f"{text} on {', '.join(filter(None, datasets))}" if any(datasets) else text


def merge_runs(runs: Mapping[str, Sequence[Row]]) -> list[dict[str, Any]]:
    """One list of rows, each with the field `run`: rounds of different runs do not pair.

    Args:
        runs: rows by the name of their run, the baseline's run first. The name of an arm that
            occurs in two runs gets that of the run added: "fwa (monday)".
    """
    runs_of: dict[str, set[str]] = {}
    for run, rows in runs.items():
        for row in rows:
            runs_of.setdefault(row["name"], set()).add(run)
    merged = []
    for run, rows in runs.items():
        for row in rows:
            name = row["name"] if len(runs_of[row["name"]]) == 1 else f"{row['name']} ({run})"
            merged.append({**row, "name": name, "run": run})
    return merged
