"""What of a difference counts as a regression: more than a threshold, and more than noise."""

from __future__ import annotations

from reports.diff.arm_diff import ArmDiff, Difference, Ratio


def regressions(arm: ArmDiff, threshold: float) -> list[str]:
    """Each regression of one arm in words; empty where there is none.

    A latency counts when even the low end of its interval is above the threshold, an accuracy when
    its whole interval is below; MACs and params repeat exactly and count as they are.

    Args:
        arm: from `reports.diff.diff.diff_runs`.
        threshold: a share, 0.05 for 5 %; of an accuracy, of the accuracy before.
    """
    found = [arm.failed_after] if arm.failed_after else []
    if arm.accuracy is not None:
        found += _accuracy(arm.accuracy, threshold)
    if arm.latency_ms is not None:
        found += _latency(arm.latency_ms, threshold)
    # A count that lacks operators on one side says nothing about the other.
    if arm.macs is not None and not arm.macs_uncounted:
        found += _count("MACs", arm.macs, threshold)
    if arm.params is not None:
        found += _count("params", arm.params, threshold)
    return found


def percent(share: float) -> str:
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


def _count(what: str, change: Ratio, threshold: float) -> list[str]:
    if change.after <= change.before * (1 + threshold):
        return []
    grown = "" if change.ratio is None else f", {100 * (change.ratio - 1):+.1f} %"
    return [f"{what} {change.before:,} → {change.after:,}{grown}"]
