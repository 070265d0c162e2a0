"""Regressions of one run against another: larger than a threshold and larger than noise."""

from __future__ import annotations

from reports.diff.arm_diff import ArmDiff, Difference, Ratio


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
