"""The sentences without which a table misleads: convention, protocol, data, machine, caveats."""

from __future__ import annotations

from collections.abc import Sequence

from reports.arm import Arm, Row
from reports.caveats import caveats, several

MACS = (
    "MACs are multiply-accumulates of matrix products, convolutions and attention products; "
    "norms and activations not included"
)
PTFLOPS = (
    "ptflops is shown beside; it counts norms/activations/pooling and may miss attention products"
)
RECONSTRUCTED = "† reconstructed: the equations or the code of its paper could not be had"


def notes(arms: Sequence[Arm], rows: Sequence[Row]) -> list[str]:
    """All notes that apply, warnings first; plain text, units spelled out.

    Args:
        arms: in table order, the baseline first.
        rows: the records they were made from.
    """
    found = [
        *caveats(arms, rows),
        *_latency(arms),
        *_accuracy(arms),
        f"{MACS}.",
        f"{PTFLOPS}." if any(each.macs_ptflops is not None for each in arms) else "",
        *_training(rows),
        *_machine(rows),
        f"{RECONSTRUCTED}." if any(each.reconstructed for each in arms) else "",
        *_missing(arms),
    ]
    return [note for note in found if note]


def threads(arms: Sequence[Arm]) -> str:
    """With its noun: "1 thread", "4 threads"."""
    counts = several(each.latency_threads for each in arms)
    return f"{counts} thread{'' if counts == '1' else 's'}"


def _latency(arms: Sequence[Arm]) -> list[str]:
    timed = [each for each in arms if each.latency_ms_median is not None]
    if not timed:
        return []
    said = (
        f"Latency: batch 1, {several(each.latency_rounds for each in timed)} interleaved rounds, "
        f"{threads(timed)}, median."
    )
    name = arms[0].arm
    if arms[0].latency_ratio is None:
        return [said, f"Baseline {name} has no latency: no ratios."]
    ratio = (
        f"Ratios: median latency over the baseline {name}, 95 % bootstrap interval of paired "
        "rounds; “not separable” where it spans 1."
    )
    odd = [each.arm for each in timed if each.latency_ratio is None]
    unpaired = f"No ratio, rounds do not pair with the baseline's: {', '.join(odd)}."
    return [said, ratio, *([unpaired] if odd else [])]


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


def _machine(rows: Sequence[Row]) -> list[str]:
    for row in rows:
        found = row["cost_fingerprint"] or row["fingerprint"]
        if found:
            return [f"Machine: {', '.join(f'{key} {value}' for key, value in found.items())}."]
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
