"""A summary as a table: on the terminal, in Markdown, as raw CSV, in LaTeX."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from reports.comparison.arm import Arm
from reports.comparison.summary import Summary
from reports.tables.column import Column, best_of, plain, ratio_cell, scaled
from reports.tables.grid import Grid, without_reason
from reports.tables.latex import LatexTable, label_of

_LEAST_PROBABILITY = 0.05
_DROPPED_FIRST = (
    "multiplications",
    "ptflops",
    "energy",
    "training",
    "memory",
    "throughput",
    "front",
    "params",
    "macs",
    "form",
    "latency",
    "effect",
)
"""Columns that a narrow terminal hides, least missed first; files keep every column."""


def comparison_grid(summary: Summary, *, notes: bool = True) -> Grid:
    """The table of a comparison, for a console or as Markdown, with its notes unless refused.

    About 110 columns of text fit what every run has; a narrower console hides columns, named below
    the table, rather than digits.
    """
    texts = table_notes(summary) if notes else ()
    return Grid(summary.title, comparison_columns(summary), texts, _DROPPED_FIRST)


def to_csv(summary: Summary) -> str:
    """Every field of every arm, unrounded, under its field name; a missing value is empty.

    Accuracies are fractions in [0, 1]; units are in the names; one line per arm and no notes.
    """
    return str(summary.to_frame().to_csv(index=False, lineterminator="\n"))


def to_latex(summary: Summary, *, label: str | None = None) -> LatexTable:
    r"""A complete table environment, to be \input into a paper with \usepackage{booktabs}.

    Notes are set under the table; reasons of failed arms are among them, not in the table. Wide
    for one column of two: change `table` to `table*` there. It takes 350 to 400 pt with usual
    names. The default label is `tab:` and the words of the title.
    """
    columns = [
        without_reason(column)
        for column in comparison_columns(summary)
        if column.key != "multiplications"  # wider than a page
    ]
    label = label or label_of(summary.title, "comparison")
    return LatexTable(columns, summary.title, label, table_notes(summary))


def comparison_columns(summary: Summary) -> list[Column]:
    """Columns for humans in reading order, without those that are empty for this run.

    MB are 10^6 bytes; M and k are 10^6 and 10^3. A missing value is an empty cell.
    """
    arms = summary.arms
    accuracy = [arm.test_accuracy_mean for arm in arms]
    images = [arm.throughput_images_per_s for arm in arms]
    training = [arm.peak_training_memory_bytes for arm in arms]
    least = min if summary.ranked else None
    multiplications = [arm.multiplications or None for arm in arms]  # none at all: no column
    columns = [
        Column("arm", "Arm", "", tuple(map(arm_label, arms)), number=False),
        Column("form", "Form", "", _forms(arms), number=False),
        Column("accuracy", "Accuracy", "%", tuple(map(_accuracy, arms)), best_of(accuracy, max)),
        Column("effect", "Δ", "points", tuple(map(_effect, arms))),
        scaled("params", "Params", [arm.params for arm in arms]),
        _macs(arms),
        scaled("ptflops", "ptflops", [arm.macs_ptflops for arm in arms], rank=False),
        scaled("multiplications", "Mults", multiplications, rank=False),
        plain("latency", "Latency", "ms", [arm.latency_ms_median for arm in arms], least),
        Column("ratio", "× baseline", "95 % interval", tuple(map(_ratio, arms))),
        plain("throughput", "Images", "per s", images, max if summary.ranked else None),
        plain("memory", "Peak", "MB", _megabytes(arm.peak_memory_bytes for arm in arms), least),
        plain("training", "Train peak", "MB", _megabytes(training), least),
        plain("energy", "Energy", "mJ", [arm.energy_mj_per_image for arm in arms], least),
        Column("front", "Front", "", tuple(map(_front, arms)), number=False),
        Column("status", "Status", "", tuple(map(_status, arms)), number=False),
    ]
    return [column for column in columns if not set(column.cells) <= {"", "baseline"}]


def table_notes(summary: Summary) -> list[str]:
    """The notes of the summary, and what the marks of the columns mean."""
    notes = list(summary.notes)
    if any(arm.on_latency_front or arm.on_macs_front for arm in summary.arms):
        notes.append(
            "Front: probability of being on the accuracy-latency front (L) and on the "
            "accuracy-MACs front (M), over draws from the 95 % intervals of accuracies and of "
            f"ratios of latency; below {100 * _LEAST_PROBABILITY:.0f} % it is left out."
        )
    if len(summary.arms) > 1:
        notes.append("Bold: best value of its column as printed, separable or not.")
    return notes


def arm_label(arm: Arm) -> str:
    """The name on one line, with a dagger where the mixer is reconstructed."""
    return " ".join(arm.arm.split()) + "†" * arm.reconstructed


def _forms(arms: Sequence[Arm]) -> tuple[str, ...]:
    # Eager is the default, and a name may contain the form: "fwa [deploy]".
    redundant = all(arm.form in ("eager", "") or f"[{arm.form}]" in arm.arm for arm in arms)
    return tuple("" if redundant else arm.form for arm in arms)


def _macs(arms: Sequence[Arm]) -> Column:
    """Counts, with a mark where they are not exact; then the fewest are not known."""
    marked = any(arm.macs_mark for arm in arms)
    column = scaled("macs", "MACs", [arm.macs for arm in arms], rank=not marked)
    cells = (
        cell + arm.macs_mark * bool(cell) for cell, arm in zip(column.cells, arms, strict=True)
    )
    return replace(column, cells=tuple(cells))


def _megabytes(counts: Iterable[int | None]) -> list[float | None]:
    return [None if count is None else count / 1e6 for count in counts]


def _accuracy(arm: Arm) -> str:
    mean, low, high = arm.test_accuracy_mean, arm.test_accuracy_low, arm.test_accuracy_high
    if mean is None or low is None or high is None:
        return ""
    if arm.test_accuracy_sd is not None:
        return f"{100 * mean:.2f} ± {100 * arm.test_accuracy_sd:.2f}"
    # Of one seed the second decimal is noise: the interval of 10,000 images is a point wide.
    return f"{100 * mean:.1f} [{100 * low:.1f}, {100 * high:.1f}]"


def _effect(arm: Arm) -> str:
    effect, low, high = arm.accuracy_effect, arm.accuracy_effect_low, arm.accuracy_effect_high
    if effect is None or low is None or high is None or arm.accuracy_p is None:
        return "baseline" if arm.accuracy_verdict else ""
    p = "p < 0.001" if arm.accuracy_p < 0.001 else f"p = {arm.accuracy_p:.3f}"
    return f"{100 * effect:+.2f} [{100 * low:+.2f}, {100 * high:+.2f}], {p}"


def _ratio(arm: Arm) -> str:
    ratio, low, high = arm.latency_ratio, arm.latency_ratio_low, arm.latency_ratio_high
    if ratio is None or low is None or high is None:
        return ""
    if arm.latency_verdict == "baseline":
        return "baseline"
    if arm.latency_verdict == "not separable":
        return f"{ratio_cell(ratio, low, high, claimed=False)}, not separable"
    return ratio_cell(ratio, low, high, claimed=True)


def _front(arm: Arm) -> str:
    probabilities = {"L": arm.latency_front_probability, "M": arm.macs_front_probability}
    marks = {"L": arm.on_latency_front, "M": arm.on_macs_front}
    return " ".join(
        mark if probability is None else f"{mark} {100 * probability:.0f}%"
        for mark, probability in probabilities.items()
        if (marks[mark] if probability is None else probability >= _LEAST_PROBABILITY)
    )


def _status(arm: Arm) -> str:
    if arm.state == "finished":
        return ""
    if arm.state == "partial":
        return f"{arm.seeds_finished} of {arm.seeds} seeds: {arm.reason}"
    return f"{arm.state}: {arm.reason}" if arm.reason else arm.state
