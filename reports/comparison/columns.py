"""The one selection of columns that people read, and how each number is written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from reports.comparison.arm import Arm
from reports.comparison.summary import Summary
from reports.tables.column import Column, best_of, plain, ratio_cell, scaled


def columns(summary: Summary) -> list[Column]:
    """Columns for humans in reading order; those with nothing to say for this run are left out.

    MB are 10^6 bytes; M and k are 10^6 and 10^3. A missing value is an empty cell.
    """
    arms = summary.arms
    accuracy = [each.test_accuracy_mean for each in arms]
    images = [each.throughput_images_per_s for each in arms]
    training = [each.peak_training_memory_bytes for each in arms]
    least = min if summary.ranked else None
    candidates = [
        Column("arm", "Arm", "", tuple(map(_name, arms)), number=False),
        Column("form", "Form", "", _forms(arms), number=False),
        Column("accuracy", "Accuracy", "%", tuple(map(_accuracy, arms)), best_of(accuracy, max)),
        scaled("params", "Params", [each.params for each in arms]),
        _macs(arms),
        scaled("ptflops", "ptflops", [each.macs_ptflops for each in arms], rank=False),
        plain("latency", "Latency", "ms", [each.latency_ms_median for each in arms], least),
        Column("ratio", "× baseline", "95 % interval", tuple(map(_ratio, arms))),
        plain("throughput", "Images", "per s", images, max if summary.ranked else None),
        plain("memory", "Peak", "MB", _mega(each.peak_memory_bytes for each in arms), least),
        plain("training", "Train peak", "MB", _mega(training), least),
        plain("energy", "Energy", "mJ", [each.energy_mj_per_image for each in arms], least),
        Column("front", "Front", "", tuple(map(_front, arms)), number=False),
        Column("status", "Status", "", tuple(map(_status, arms)), number=False),
    ]
    return [column for column in candidates if not set(column.cells) <= {"", "baseline"}]


def legend(summary: Summary) -> list[str]:
    """What the marks of the columns mean, for the notes under a table."""
    said = []
    if any(each.on_latency_front or each.on_macs_front for each in summary.arms):
        said.append("Front: L on the accuracy-latency front, M on the accuracy-MACs front.")
    if len(summary.arms) > 1:
        said.append("Bold: best value of its column as printed, separable or not.")
    return said


def _name(each: Arm) -> str:
    return " ".join(each.arm.split()) + ("†" if each.reconstructed else "")


def _forms(arms: Sequence[Arm]) -> tuple[str, ...]:
    # Eager is what one expects, and a name may tell: "fwa [deploy]".
    told = all(each.form in ("eager", "") or f"[{each.form}]" in each.arm for each in arms)
    return tuple("" if told else each.form for each in arms)


def _macs(arms: Sequence[Arm]) -> Column:
    """A mark at each lower bound; beside one nobody knows which arm has the fewest."""
    marked = any(each.macs_uncounted for each in arms)
    column = scaled("macs", "MACs", [each.macs for each in arms], rank=not marked)
    cells = (
        cell + "‡" * bool(cell and each.macs_uncounted)
        for cell, each in zip(column.cells, arms, strict=True)
    )
    return replace(column, cells=tuple(cells))


def _mega(counts: Iterable[int | None]) -> list[float | None]:
    return [None if count is None else count / 1e6 for count in counts]


def _accuracy(each: Arm) -> str:
    mean, low, high = each.test_accuracy_mean, each.test_accuracy_low, each.test_accuracy_high
    if mean is None or low is None or high is None:
        return ""
    if each.test_accuracy_sd is not None:
        return f"{100 * mean:.2f} ± {100 * each.test_accuracy_sd:.2f}"
    # Of one seed the second decimal is noise: the interval of 10,000 images is a point wide.
    return f"{100 * mean:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def _ratio(each: Arm) -> str:
    ratio, low, high = each.latency_ratio, each.latency_ratio_low, each.latency_ratio_high
    if ratio is None or low is None or high is None:
        return ""
    if each.latency_verdict in ("baseline", "not separable"):
        return str(each.latency_verdict)
    return ratio_cell(ratio, low, high, claimed=True)


def _front(each: Arm) -> str:
    return " ".join(["L"] * each.on_latency_front + ["M"] * each.on_macs_front)


def _status(each: Arm) -> str:
    if each.state == "finished":
        return ""
    if each.state == "partial":
        total = each.seeds_finished + each.seeds_failed + each.seeds_pruned
        return f"{each.seeds_finished} of {total} seeds: {each.reason}"
    return f"{each.state}: {each.reason}" if each.reason else each.state
