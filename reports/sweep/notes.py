"""The notes under the table of a sweep: what a reader must know to interpret it."""

from __future__ import annotations

from collections.abc import Sequence

from reports.comparison.cost_notes import format_threads, one_line
from reports.comparison.notes import MACS, RECONSTRUCTED, machine_facts, training_note
from reports.sweep.drift import RECHECKED
from reports.sweep.summary import SweepSummary, canonical_json, rankable
from reports.tables.fingerprints import conditions, differing_fields, list_values
from reports.tables.records import Row, data_text

_MACHINE_DEPENDENT = ("latency_ms", "peak_memory_bytes")


def sweep_notes(summary: SweepSummary) -> list[str]:
    """All notes that apply, warnings first; plain text."""
    finished = [row for row in summary.rows if row["state"] == "finished"]
    names = {objective.name for objective in summary.objectives}
    measured, machine = machine_facts(finished)
    notes = [
        _fingerprint_warning(summary, finished),
        state_counts(summary),
        _unranked(summary),
        *_selection(finished, names),
        _sentence("Sampler", summary.sampler),
        _sentence("Data", dataset_text(summary)),
        training_note([row for row in finished if row.get("train_images") is not None]),
        _sentence("Latency", latency_text(summary)),
        f"{MACS}." if "macs" in names else "",
        _hypervolume(summary),
        f"Machine of trial {measured['trial']}: {machine}." if machine else "",
        f"{RECONSTRUCTED}." if has_reconstructed(summary) else "",
    ]
    return [note for note in notes if note]


def state_counts(summary: SweepSummary) -> str:
    """How the trials ended: "24 trials finished, 3 pruned, 2 failed, 5 duplicate."."""
    counts = summary.counts
    parts = [f"{count:,} {state}" for state, count in counts.items() if state != "finished"]
    noun = "trial" if counts["finished"] == 1 else "trials"
    return ", ".join([f"{counts['finished']:,} {noun} finished", *parts]) + "."


def dataset_text(summary: SweepSummary) -> str:
    """The description of the data set: the caller's, or those of the rows."""
    return summary.dataset_note or data_text(summary.rows)


def latency_text(summary: SweepSummary) -> str:
    """How latencies were obtained; empty where no finished trial has one."""
    timed = [
        row
        for row in summary.rows
        if row["state"] == "finished" and row.get("latency_ms_median") is not None
    ]
    if not timed or summary.latency_note:
        return summary.latency_note if timed else ""
    counts = [row.get("latency_threads") for row in timed]
    if not any(counts):
        return "as supplied with the data; the trials record no measurement of it"
    threads = format_threads(counts)
    if summary.reference_ms is None:
        return (
            "batch 1, median of the rounds, measured in each trial next to a reference network, "
            f"{threads}"
        )
    return (
        "batch 1, the ratio to the reference network that takes turns with each trial, times the "
        f"median of that network over the sweep ({summary.reference_ms:.3g} ms): the drift of the "
        f"machine is out; trials.csv has the latency as measured; {threads}; {_recheck(summary)}"
    )


def _recheck(summary: SweepSummary) -> str:
    front = summary.front.rows if summary.front is not None else ()
    count = sum(bool(row.get(RECHECKED)) for row in front)
    if not count:
        return "the front was not timed again together"
    if count < len(front):
        return f"{count} of the front's {len(front)} were timed again together"
    return "all of the front were timed again together, in the same rounds"


def has_reconstructed(summary: SweepSummary) -> bool:
    """Whether a mixer on the front follows an abstract instead of equations or code."""
    return summary.front is not None and any(row.get("reconstructed") for row in summary.front.rows)


def differing_conditions(rows: Sequence[Row]) -> str:
    """How the machines or settings of the rows' costs differ; empty where they do not."""
    # Thousands of trials share few machines: compare each once.
    distinct = {
        canonical_json(fingerprint): fingerprint
        for fingerprint in (conditions({"cost_fingerprint": None, **row}) for row in rows)
    }
    return list_values(differing_fields(distinct.values()))


def _fingerprint_warning(summary: SweepSummary, finished: Sequence[Row]) -> str:
    differences = differing_conditions(finished)
    if not differences:
        return ""
    labels = [goal.label.lower() for goal in summary.objectives if goal.name in _MACHINE_DEPENDENT]
    consequence = (
        f"{' and '.join(labels)} may differ by the machine, and so may the front"
        if labels
        else "latency and memory are not comparable; the front does not depend on them"
    )
    return f"WARNING: fingerprints differ ({differences}): {consequence}."


def _unranked(summary: SweepSummary) -> str:
    count = summary.counts["finished"] - len(rankable(summary.rows, summary.objectives))
    if not count:
        return ""
    return f"{count:,} finished without a value of every objective: not ranked, not drawn."


def _selection(finished: Sequence[Row], names: set[str]) -> list[str]:
    if all(row.get("val_accuracy") is None for row in finished):
        return []
    sentences = ["Selection uses the validation split; test accuracy is for information only."]
    if "val_accuracy" in names:
        sentences.append(
            "Validation accuracies of a search are optimistic: the best of many noisy values were "
            "selected. Before a claim, retrain the selected architectures with several seeds."
        )
    return sentences


def _hypervolume(summary: SweepSummary) -> str:
    if summary.front is None:
        return ""
    ends = zip(summary.objectives, summary.front.ideal, summary.front.reference, strict=True)
    box = "; ".join(
        f"{goal.label} {best * goal.scale:.4g} to {worst * goal.scale:.4g} {goal.unit}"
        for goal, best, worst in ends
    )
    low, high = summary.front.hypervolume_interval
    return (
        f"Hypervolume {summary.front.hypervolume:.4f} [{low:.4f}, {high:.4f}], with its 95 % "
        "interval over the same draws: dominated share of the box from the best "
        f"finished values to a tenth of their range beyond the worst ({box})."
    )


def _sentence(topic: str, text: str) -> str:
    """One line with one full stop, or nothing."""
    line = one_line(text)
    return f"{topic}: {line}." if line else ""
