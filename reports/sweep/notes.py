"""The sentences without which the table of a sweep misleads."""

from __future__ import annotations

from collections.abc import Sequence

from reports.comparison.arm import Row
from reports.comparison.caveats import several
from reports.comparison.cost_notes import threads
from reports.comparison.notes import MACS, RECONSTRUCTED
from reports.sweep.objective import Objective
from reports.sweep.summary import SweepSummary, placed, text
from reports.tables.fingerprints import conditions, differing, listed

_OF_THE_MACHINE = ("latency_ms", "peak_memory_bytes")


def sweep_notes(summary: SweepSummary) -> list[str]:
    """All notes that apply, warnings first; plain text."""
    finished = [row for row in summary.rows if row["state"] == "finished"]
    found = [
        *_machines(summary, finished),
        ended(summary),
        _absent(summary),
        *_selection(summary, finished),
        _sentence("Sampler", summary.sampler),
        _sentence("Data", data(summary)),
        _training(finished),
        _sentence("Latency", latency(summary)),
        f"{MACS}." if any(each.name == "macs" for each in summary.objectives) else "",
        _volume(summary),
        _machine(finished),
        f"{RECONSTRUCTED}." if reconstructed(summary) else "",
    ]
    return [note for note in found if note]


def ended(summary: SweepSummary) -> str:
    """How the trials ended: "24 trials finished, 3 pruned, 2 failed, 5 duplicate."."""
    counts = summary.counts
    parts = [f"{count:,} {key}" for key, count in counts.items() if key != "finished"]
    noun = "trial" if counts["finished"] == 1 else "trials"
    return ", ".join([f"{counts['finished']:,} {noun} finished", *parts]) + "."


def data(summary: SweepSummary) -> str:
    """The data set in words: the caller's, or those of the rows."""
    if summary.dataset_note:
        return summary.dataset_note
    told = (row.get("dataset_note") or row.get("dataset") for row in summary.rows)
    return "; ".join(dict.fromkeys(words for words in told if words))


def latency(summary: SweepSummary) -> str:
    """How latencies came about; empty where no finished trial has one."""
    timed = [
        row
        for row in summary.rows
        if row["state"] == "finished" and row.get("latency_ms_median") is not None
    ]
    if not timed or summary.latency_note:
        return summary.latency_note if timed else ""
    counts = [row.get("latency_threads") for row in timed]
    if not any(counts):
        return "as given with the data; the trials record no measurement of it"
    return (
        "batch 1, median of the rounds, measured in each trial beside a reference network, "
        f"{threads(counts)}"
    )


def reconstructed(summary: SweepSummary) -> bool:
    """Whether the front has a mixer that follows an abstract alone."""
    return summary.front is not None and any(row.get("reconstructed") for row in summary.front.rows)


def differences(rows: Sequence[Row]) -> str:
    """In what the machines or settings of the rows' costs differ; empty where in nothing."""
    # Thousands of trials share few machines: compare each once.
    told = {
        text(found): found
        for found in (conditions({"cost_fingerprint": None, **row}) for row in rows)
    }
    return listed(differing(told.values()))


def _machines(summary: SweepSummary, finished: Sequence[Row]) -> list[str]:
    found = differences(finished)
    if not found:
        return []
    ranked = [each.label.lower() for each in summary.objectives if each.name in _OF_THE_MACHINE]
    consequence = (
        f"{' and '.join(ranked)} may differ by the machine, and so may the front"
        if ranked
        else "latency and memory are not comparable; the front does not depend on them"
    )
    return [f"WARNING: fingerprints differ ({found}): {consequence}."]


def _absent(summary: SweepSummary) -> str:
    known = len(placed(summary.rows, summary.objectives))
    lost = summary.counts["finished"] - known
    if not lost:
        return ""
    return f"{lost:,} finished without a value of every objective: on no front, not drawn."


def _selection(summary: SweepSummary, finished: Sequence[Row]) -> list[str]:
    if all(row.get("val_accuracy") is None for row in finished):
        return []
    said = ["Selection is on the validation split; test accuracy is only shown."]
    if any(each.name == "val_accuracy" for each in summary.objectives):
        said.append(
            "Validation accuracies of a search are optimistic: the best of many noisy values were "
            "selected. Before a claim, train the chosen ones anew with several seeds."
        )
    return said


def _training(finished: Sequence[Row]) -> str:
    trained = [row for row in finished if row.get("train_images") is not None]
    if not trained:
        return ""
    images = "/".join(
        several(row.get(f"{part}_images") for row in trained) for part in ("train", "val", "test")
    )
    epochs, seeds = (several(row.get(name) for row in trained) for name in ("epochs", "seed"))
    return f"Images train/val/test: {images}; epochs: {epochs}; seeds: {seeds}."


def _volume(summary: SweepSummary) -> str:
    if summary.front is None:
        return ""
    ends = zip(summary.objectives, summary.front.ideal, summary.front.reference, strict=True)
    box = "; ".join(_side(each, best, worst) for each, best, worst in ends)
    return (
        f"Hypervolume {summary.front.hypervolume:.4f}: the share dominated of the box from the "
        f"best finished values to a tenth of their range beyond the worst ({box})."
    )


def _side(each: Objective, best: float, worst: float) -> str:
    return f"{each.label} {best * each.scale:.4g} to {worst * each.scale:.4g} {each.unit}"


def _machine(finished: Sequence[Row]) -> str:
    for row in finished:
        found = row.get("cost_fingerprint") or row.get("fingerprint")
        if found:
            said = ", ".join(f"{key} {value}" for key, value in found.items() if value != "")
            return f"Machine of trial {row['trial']}: {said}."
    return ""


def _sentence(about: str, words: str) -> str:
    """One line with one full stop, or nothing."""
    said = " ".join(words.split()).rstrip(".")
    return f"{about}: {said}." if said else ""
