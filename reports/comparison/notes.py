"""The notes under a comparison: warnings, conventions, protocol, data, machine, missing arms."""

from __future__ import annotations

from collections.abc import Sequence

from reports.comparison.arm import Arm
from reports.comparison.cost_notes import (
    cost_notes,
    join_distinct,
    one_line,
    ratio_notes,
    uncounted_notes,
)
from reports.comparison.effects import effect_notes
from reports.tables.fingerprints import differing_conditions, differing_fields, list_values
from reports.tables.records import Row, data_text, dataset_label

BUDGET_TOLERANCE = 0.02
"""Arms whose params or MACs differ by more than this share have unequal budgets."""
MACS = (
    "MACs are multiply-accumulates of matrix products, convolutions, attention products and sums "
    "of products; norms, activations and element-wise multiplications (Mults) are not included"
)
PTFLOPS = (
    "ptflops, for reference, counts norms, activations and pooling too and may miss attention "
    "products"
)
RECONSTRUCTED = "† reconstructed: the equations or the code of its paper are not publicly available"


def comparison_notes(
    arms: Sequence[Arm], rows: Sequence[Row], *, forced: bool = False
) -> list[str]:
    """All notes that apply, warnings first; plain text, units spelled out.

    Args:
        arms: in table order, the baseline first.
        rows: the records they were made from.
        forced: rows are ranked although their fingerprints differ.
    """
    notes = [
        *_differing_costs(rows, forced),
        *_differing_trainings(rows),
        *_differing_data(rows),
        *_unequal_budgets(arms),
        *cost_notes(arms),
        *(ratio_notes(arms) if forced or not differing_conditions(rows) else ()),
        *_accuracy(arms),
        *effect_notes(arms),
        f"{MACS}.",
        *uncounted_notes(arms),
        f"{PTFLOPS}." if any(arm.macs_ptflops is not None for arm in arms) else "",
        *_runs(rows),
        *_training(rows),
        _machine(rows),
        f"{RECONSTRUCTED}." if any(arm.reconstructed for arm in arms) else "",
        *_missing(arms),
    ]
    return [note for note in notes if note]


def _differing_costs(rows: Sequence[Row], forced: bool) -> list[str]:
    differing = differing_conditions(rows)
    if not differing:
        return []
    consequence = (
        "ranked because of --force, but differences may come from the machine instead of the arm"
        if forced
        else "latencies, throughputs and memory are not comparable and not ranked"
    )
    return [f"WARNING: fingerprints differ ({list_values(differing)}): {consequence}."]


def _differing_trainings(rows: Sequence[Row]) -> list[str]:
    # Without training there is no accuracy that the machine could have changed.
    differing = differing_fields(
        row["fingerprint"] for row in rows if row["test_accuracy"] is not None
    )
    if not differing:
        return []
    return [
        f"WARNING: fingerprints of trainings differ ({list_values(differing)}): "
        "accuracies come from different set-ups."
    ]


def _differing_data(rows: Sequence[Row]) -> list[str]:
    fields = ("dataset", "dataset_checksum", "resolution")
    named = ({**row, "dataset": dataset_label(row["dataset"])} for row in rows)
    differing = differing_fields({field: row[field] for field in fields} for row in named)
    if not differing:
        return []
    # Random inputs have a size and nothing else that could differ.
    what = "data sets" if {"dataset", "dataset_checksum"} & set(differing) else "inputs"
    return [f"WARNING: {what} differ between rows ({list_values(differing)})."]


def _unequal_budgets(arms: Sequence[Arm]) -> list[str]:
    base, unequal = arms[0], []
    for arm in arms[1:]:
        gaps = [
            f"{what} {100 * (value / base_value - 1):+.1f} %"
            for what, base_value, value in (
                ("params", base.params, arm.params),
                ("MACs", base.exact_macs, arm.exact_macs),
            )
            if base_value and value is not None and abs(value / base_value - 1) > BUDGET_TOLERANCE
        ]
        if gaps:
            unequal.append(f"{arm.arm} ({', '.join(gaps)})")
    if not unequal:
        return []
    return [f"Unequal budgets, more than 2 % from {base.arm}: {', '.join(unequal)}."]


def _accuracy(arms: Sequence[Arm]) -> list[str]:
    kinds = {arm.test_accuracy_interval for arm in arms}
    parts = []
    if "wilson" in kinds:
        parts.append(
            "[low, high] of one seed is the binomial (Wilson) 95 % interval of the test images"
        )
    if "student_t" in kinds:
        parts.append("± of several seeds is their standard deviation")
    return [f"Accuracy: top-1 on the test split; {'; '.join(parts)}."] if parts else []


def _training(rows: Sequence[Row]) -> list[str]:
    data = one_line(data_text(rows))
    notes = [f"Data: {data}."] if data else []
    return [*notes, training_note([row for row in rows if row["test_accuracy"] is not None])]


def training_note(trained: Sequence[Row]) -> str:
    """What the rows of trained networks were trained on; empty where there are none."""
    if not trained:
        return ""
    images = "/".join(
        join_distinct(row.get(f"{split}_images") for row in trained)
        for split in ("train", "val", "test")
    )
    epochs, seeds = (join_distinct(row.get(name) for row in trained) for name in ("epochs", "seed"))
    return f"Images train/val/test: {images}; epochs: {epochs}; seeds: {seeds}."


def _runs(rows: Sequence[Row]) -> list[str]:
    """Which arm comes from which run, where rows name their run."""
    runs: dict[str, dict[str, None]] = {}
    for row in rows:
        if row.get("run"):
            runs.setdefault(row["run"], {})[row["name"]] = None
    text = "; ".join(f"{run} ({', '.join(names)})" for run, names in runs.items())
    return [f"Runs: {text}."] if text else []


def _machine(rows: Sequence[Row]) -> str:
    row, facts = machine_facts(rows)
    # Where machines differ, the warning names the values of the others.
    whose = f" of {row['name']}" if facts and differing_conditions(rows) else ""
    return f"Machine{whose}: {facts}." if facts else ""


def machine_facts(rows: Sequence[Row]) -> tuple[Row, str]:
    """The first row with a fingerprint, and the fingerprint as text; empty where there is none."""
    for row in rows:
        if fingerprint := row.get("cost_fingerprint") or row.get("fingerprint"):
            # An empty value was not available on the machine.
            pairs = (f"{key} {value}" for key, value in fingerprint.items() if value != "")
            return row, ", ".join(pairs)
    return {}, ""


def _missing(arms: Sequence[Arm]) -> list[str]:
    notes = []
    for arm in arms:
        if arm.state != "finished":
            is_partial = arm.state == "partial"
            outcome = (
                f"finished {arm.seeds_finished} of {arm.seeds} seeds" if is_partial else arm.state
            )
            notes.append(f"{arm.arm} {outcome}: {one_line(arm.reason) or 'no reason recorded'}.")
    return notes
