"""What changed in one arm from run A (before) to run B (after), and what of it is a regression."""

from __future__ import annotations

from dataclasses import dataclass

from reports.tables.fingerprints import Differing


@dataclass(frozen=True)
class Ratio:
    """A number before and after."""

    before: float
    after: float
    ratio: float | None = None
    """After over before; None where the two may not be compared, or before is 0."""
    low: float | None = None
    """Low end of the 95 % interval; None for counts, which are deterministic."""
    high: float | None = None


@dataclass(frozen=True)
class Difference:
    """An accuracy before and after, fractions in [0, 1]."""

    before: float
    after: float
    difference: float | None = None
    """After - before with its 95 % interval; None where the two may not be compared."""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class ArmDiff:
    """One arm of two runs; a part is None unless both sides have it."""

    arm: str
    only_in: str | None
    """"A" or "B" where the other run lacks the arm."""
    state_before: str | None
    """As `Arm.state`; None where the run lacks the arm."""
    state_after: str | None
    failed_after: str = ""
    """How B failed where A had not; empty where it did not."""
    architecture_changed: bool = False
    accuracy: Difference | None = None
    accuracy_verdict: str | None = None
    """Of B: "higher", "lower", "not separable"; or why they are not compared: "other data"."""
    data_differing: Differing | None = None
    """Fields of the data in which the sides differ, with both values; they bar a comparison."""
    recipe_differing: Differing | None = None
    """Fields of the recipe in which the sides differ, with both values."""
    params: Ratio | None = None
    macs: Ratio | None = None
    macs_uncounted: str = ""
    """Operators without a counting rule on either side: the counts are lower bounds."""
    latency_ms: Ratio | None = None
    latency_verdict: str | None = None
    """Of B: "faster", "slower", "not separable"; or why they are not compared: "other machine",
    "other form", "other threads"."""
    peak_memory_bytes: Ratio | None = None
    costs_differing: Differing | None = None
    """Conditions in which the sides differ, with both values; they bar a comparison."""
    processes_before: int | None = None
    """Number of processes that measured the latency."""
    processes_after: int | None = None

    @property
    def is_latency_withheld(self) -> bool:
        """Both sides have a latency, but under conditions that rule out a comparison."""
        return self.latency_ms is not None and self.latency_ms.ratio is None

    @property
    def is_accuracy_withheld(self) -> bool:
        """Both sides have an accuracy, but of different data."""
        return self.accuracy is not None and self.accuracy.difference is None


def find_regressions(arm: ArmDiff, threshold: float) -> list[str]:
    """The regressions of one arm, one text each; empty where there is none.

    A latency counts when even the low end of its interval is above the threshold, an accuracy when
    its whole interval is below; MACs and params are deterministic and count as they are.

    Args:
        arm: from `diff_runs`.
        threshold: a share, 0.05 for 5 %; for accuracies, of the accuracy before.
    """
    texts = [arm.failed_after] if arm.failed_after else []
    if arm.accuracy is not None:
        texts += _accuracy(arm.accuracy, threshold)
    if arm.latency_ms is not None:
        texts += _latency(arm.latency_ms, threshold)
    # Lower bounds are not comparable.
    if arm.macs is not None and not arm.macs_uncounted:
        texts += _count("MACs", arm.macs, threshold)
    if arm.params is not None:
        texts += _count("params", arm.params, threshold)
    return texts


def format_percent(share: float) -> str:
    """A share without needless zeros: "5 %", "2.5 %"."""
    return f"{100 * share:.4g} %"


def _accuracy(change: Difference, threshold: float) -> list[str]:
    if change.high is None or change.difference is None or not change.before:
        return []
    if change.high / change.before >= -threshold:
        return []
    return [
        f"accuracy {100 * change.before:.1f} → {100 * change.after:.1f} %, relative "
        f"{100 * change.difference / change.before:+.1f} %, "
        f"at best {100 * change.high / change.before:+.1f} %"
    ]


def _latency(change: Ratio, threshold: float) -> list[str]:
    if change.ratio is None or change.low is None or change.low <= 1 + threshold:
        return []
    return [
        f"latency {change.before:.3f} → {change.after:.3f} ms, "
        f"{100 * (change.ratio - 1):+.1f} %, at best {100 * (change.low - 1):+.1f} %"
    ]


def _count(name: str, change: Ratio, threshold: float) -> list[str]:
    if change.after <= change.before * (1 + threshold):
        return []
    growth = "" if change.ratio is None else f", {100 * (change.ratio - 1):+.1f} %"
    return [f"{name} {change.before:,} → {change.after:,}{growth}"]
