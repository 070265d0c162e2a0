"""The sentences without which a table misleads: convention, protocol, data, machine, caveats."""

from __future__ import annotations

from collections.abc import Sequence

from reports.comparison.arm import Arm
from reports.comparison.caveats import caveats, several
from reports.comparison.cost_notes import cost_notes, ratio_notes, uncounted
from reports.tables.fingerprints import machines
from reports.tables.records import Row

MACS = (
    "MACs are multiply-accumulates of matrix products, convolutions and attention products; "
    "norms and activations not included"
)
PTFLOPS = (
    "ptflops is shown beside; it counts norms/activations/pooling and may miss attention products"
)
RECONSTRUCTED = "† reconstructed: the equations or the code of its paper could not be had"


def notes(arms: Sequence[Arm], rows: Sequence[Row], *, forced: bool = False) -> list[str]:
    """All notes that apply, warnings first; plain text, units spelled out.

    Args:
        arms: in table order, the baseline first.
        rows: the records they were made from.
        forced: rows are ranked although their fingerprints differ.
    """
    found = [
        *caveats(arms, rows, forced=forced),
        *cost_notes(arms),
        *(ratio_notes(arms) if forced or not machines(rows) else ()),
        *_accuracy(arms),
        f"{MACS}.",
        *uncounted(arms),
        f"{PTFLOPS}." if any(each.macs_ptflops is not None for each in arms) else "",
        *_runs(rows),
        *_training(rows),
        *_machine(rows),
        f"{RECONSTRUCTED}." if any(each.reconstructed for each in arms) else "",
        *_missing(arms),
    ]
    return [note for note in found if note]


def _accuracy(arms: Sequence[Arm]) -> list[str]:
    kinds = {each.test_accuracy_interval for each in arms}
    said = []
    if "wilson" in kinds:
        said.append(
            "[low, high] of one seed is the binomial (Wilson) 95 % interval of the test images"
        )
    if "student_t" in kinds:
        said.append("± of several seeds is their standard deviation")
    if not said:
        return []
    return [f"Accuracy: top-1 on the test split; {'; '.join(said)}."]


def _training(rows: Sequence[Row]) -> list[str]:
    data = dict.fromkeys(row["dataset_note"] or row["dataset"] for row in rows)
    said = [f"Data: {'; '.join(_sentence(text) for text in data if text)}."] if any(data) else []
    trained = [row for row in rows if row["test_accuracy"] is not None]
    if trained:
        images = "/".join(
            several(row[f"{part}_images"] for row in trained) for part in ("train", "val", "test")
        )
        epochs = several(row["epochs"] for row in trained)
        seeds = several(row["seed"] for row in trained)
        said.append(f"Images train/val/test: {images}; epochs: {epochs}; seeds: {seeds}.")
    return said


def _runs(rows: Sequence[Row]) -> list[str]:
    """Which arm comes from which run, where rows say so."""
    runs: dict[str, dict[str, None]] = {}
    for row in rows:
        if row.get("run"):
            runs.setdefault(row["run"], {})[row["name"]] = None
    said = "; ".join(f"{run} ({', '.join(names)})" for run, names in runs.items())
    return [f"Runs: {said}."] if said else []


def _machine(rows: Sequence[Row]) -> list[str]:
    for row in rows:
        found = row["cost_fingerprint"] or row["fingerprint"]
        if found:
            # Where machines differ, the warning names the others' values.
            whose = f" of {row['name']}" if machines(rows) else ""
            # Empty is what the machine did not tell.
            said = ", ".join(f"{key} {value}" for key, value in found.items() if value != "")
            return [f"Machine{whose}: {said}."]
    return []


def _missing(arms: Sequence[Arm]) -> list[str]:
    return [
        f"{each.arm} {_outcome(each)}: {_sentence(each.reason) or 'no reason recorded'}."
        for each in arms
        if each.state != "finished"
    ]


def _outcome(each: Arm) -> str:
    if each.state != "partial":
        return each.state
    total = each.seeds_finished + each.seeds_failed + each.seeds_pruned
    return f"finished {each.seeds_finished} of {total} seeds"


def _sentence(text: str) -> str:
    """One line without its full stop: the note sets its own."""
    return " ".join(text.split()).rstrip(".")
