"""The one selection of columns that people read, and how each number is written."""

from __future__ import annotations

from reports.arm import Arm
from reports.column import Column, best_of, plain, scaled
from reports.summary import Summary


def columns(summary: Summary) -> list[Column]:
    """Columns for humans in reading order; those with nothing to say for this run are left out.

    MB are 10^6 bytes; M and k are 10^6 and 10^3. A missing value is an empty cell.
    """
    arms = summary.arms
    accuracy = [each.test_accuracy_mean for each in arms]
    peak = [each.peak_memory_bytes for each in arms]
    candidates = [
        Column("arm", "Arm", "", tuple(map(_name, arms)), number=False),
        Column("accuracy", "Accuracy", "%", tuple(map(_accuracy, arms)), best_of(accuracy, max)),
        scaled("params", "Params", [each.params for each in arms]),
        scaled("macs", "MACs", [each.macs for each in arms]),
        scaled("ptflops", "ptflops", [each.macs_ptflops for each in arms], rank=False),
        plain("latency", "Latency", "ms", [each.latency_ms_median for each in arms], min),
        Column("ratio", "× baseline", "95 % interval", tuple(map(_ratio, arms))),
        plain(
            "throughput", "Images", "per s", [each.throughput_images_per_s for each in arms], max
        ),
        plain("memory", "Peak", "MB", [None if v is None else v / 1e6 for v in peak], min),
        Column("front", "Front", "", tuple(map(_front, arms)), number=False),
        Column("status", "Status", "", tuple(map(_status, arms)), number=False),
    ]
    return [column for column in candidates if not set(column.cells) <= {"", "baseline"}]


def outcome(column: Column) -> Column:
    """The status without its reason, which the notes give in full; other columns as they are."""
    if column.key != "status":
        return column
    cells = tuple(cell.partition(":")[0] for cell in column.cells)
    return Column(column.key, column.name, column.unit, cells, number=False)


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
    # A printed 1.00 would contradict the claim: as many digits as keep the interval off 1.
    digits = next((d for d in (2, 3) if min(abs(low - 1), abs(high - 1)) >= 0.5 * 10**-d), 4)
    return f"{ratio:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"


def _front(each: Arm) -> str:
    return " ".join(["L"] * each.on_latency_front + ["M"] * each.on_macs_front)


def _status(each: Arm) -> str:
    if each.state == "finished":
        return ""
    if each.state == "partial":
        total = each.seeds_finished + each.seeds_failed + each.seeds_pruned
        return f"{each.seeds_finished} of {total} seeds: {each.reason}"
    return f"{each.state}: {each.reason}" if each.reason else each.state
