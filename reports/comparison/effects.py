"""Differences of accuracy to the first arm, paired by seed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from reports.comparison.arm import Arm
from reports.comparison.seeds import tested_rows
from reports.statistics.effects import Effect, holm, paired_effect
from reports.tables.records import Row

_LEVEL = 0.05


def add_effects(arms: Sequence[Arm], seeds: Sequence[Sequence[Row]]) -> list[Arm]:
    """Give each arm that shares two seeds or more with the first one its effect against it.

    Args:
        arms: in table order, the base first.
        seeds: the rows of each arm.
    """
    effects = {
        index: effect
        for index, rows in enumerate(seeds[1:], 1)
        if (effect := _effect(rows, seeds[0])) is not None
    }
    corrected = dict(zip(effects, holm([effect.p for effect in effects.values()]), strict=True))
    return [
        _with_effect(arm, effects[index], corrected[index], len(effects))
        if index in effects
        else replace(arm, accuracy_verdict="baseline" if effects and index == 0 else None)
        for index, arm in enumerate(arms)
    ]


def _effect(rows: Sequence[Row], base: Sequence[Row]) -> Effect | None:
    """The effect over the seeds that both have, on the same test images; None without two."""
    own, others = (
        {(row["seed"], row["dataset_checksum"]): row for row in tested_rows(side)}
        for side in (rows, base)
    )
    shared = [key for key in own if key in others]
    if len(shared) < 2:
        return None
    images = min(own[key]["test_images"] for key in shared)
    after, before = ([side[key]["test_accuracy"] for key in shared] for side in (own, others))
    return paired_effect(after, before, resolution=1 / images)


def _with_effect(arm: Arm, effect: Effect, p: float, tests: int) -> Arm:
    verdict = "no difference found"
    if p < _LEVEL:
        verdict = "better" if effect.difference > 0 else "worse"
    return replace(
        arm,
        accuracy_effect=effect.difference,
        accuracy_effect_low=effect.low,
        accuracy_effect_high=effect.high,
        accuracy_effect_seeds=effect.pairs,
        accuracy_p=p,
        accuracy_detectable=effect.detectable(tests),
        accuracy_verdict=verdict,
    )


def effect_notes(arms: Sequence[Arm]) -> list[str]:
    """What the differences are, and how small a one could not have been seen."""
    compared = [arm for arm in arms if arm.accuracy_effect is not None]
    if not compared:
        return []
    counts = sorted({arm.accuracy_effect_seeds or 0 for arm in compared})
    seeds = " to ".join(dict.fromkeys(str(count) for count in (counts[0], counts[-1])))
    verdicts = "; ".join(f"{arm.arm}: {_words(arm)}" for arm in compared)
    return [
        f"Δ: accuracy minus that of {arms[0].arm} in points, paired over {seeds} seeds, with its "
        f"95 % Student t interval and the p value after Holm's correction for {len(compared)} "
        f"comparison{'s' * (len(compared) > 1)}. What these seeds find with a power of less than "
        f"80 % is called not to be seen. {verdicts}."
    ]


def _words(arm: Arm) -> str:
    """The verdict in words: an effect that is not found may still exist."""
    if arm.accuracy_verdict != "no difference found":
        return str(arm.accuracy_verdict)
    points = 100 * (arm.accuracy_detectable or 0.0)
    if points >= 100:
        return "no difference found (these seeds could not have shown any)"
    return f"no difference found (smaller than {points:.2g} points could not be seen)"
