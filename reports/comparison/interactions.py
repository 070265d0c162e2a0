"""Interactions of an ablation: what two changes do together beyond the sum of what each does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from reports.comparison.seeds import tested_rows
from reports.statistics.effects import Effect, holm, paired_effect
from reports.tables.column import Column
from reports.tables.grid import Grid
from reports.tables.records import Row

_LEVEL = 0.05
_SEPARATOR = ", "
"""Between the changes in the name of an arm."""


@dataclass(frozen=True)
class Interaction:
    """The interaction of two changes in accuracy: (both - one) - (other - base), paired by seed.

    Args:
        arm: that has both changes.
        effect: the interaction, as a fraction.
        p: after Holm's correction for all interactions of the run.
        tests: how many those are.
    """

    arm: str
    effect: Effect
    p: float
    tests: int

    @property
    def verdict(self) -> str:
        """What these seeds say, in words."""
        if self.p < _LEVEL:
            return "more than the sum" if self.effect.difference > 0 else "less than the sum"
        points = 100 * self.effect.detectable(self.tests)
        if points >= 100:
            return "no interaction found (these seeds could not have shown any)"
        return f"no interaction found (smaller than {points:.2g} points could not be seen)"


def find_interactions(seeds: Sequence[Sequence[Row]]) -> tuple[Interaction, ...]:
    """The interactions of all arms whose two changes are arms of their own.

    Args:
        seeds: the rows of each arm, the base first; an arm of two changes is called "one, other".
    """
    by_name = {rows[0]["name"]: rows for rows in seeds}
    effects: dict[str, Effect] = {}
    for name, rows in by_name.items():
        parts = name.split(_SEPARATOR)
        if len(parts) == 2 and all(part in by_name for part in parts):
            effect = _interaction(rows, by_name[parts[0]], by_name[parts[1]], seeds[0])
            if effect is not None:
                effects[name] = effect
    corrected = holm([effect.p for effect in effects.values()])
    return tuple(
        Interaction(name, effect, p, len(effects))
        for (name, effect), p in zip(effects.items(), corrected, strict=True)
    )


def _interaction(*arms: Sequence[Row]) -> Effect | None:
    """From the arm of both changes, of one, of the other and of none; None without two seeds."""
    tested = [
        {(row["seed"], row["dataset_checksum"]): row for row in tested_rows(rows)} for rows in arms
    ]
    shared = [key for key in tested[0] if all(key in rows for rows in tested)]
    if len(shared) < 2:
        return None
    both, one, other, base = ([rows[key]["test_accuracy"] for key in shared] for rows in tested)
    images = min(rows[key]["test_images"] for rows in tested for key in shared)
    return paired_effect(
        [first - second for first, second in zip(both, one, strict=True)],
        [first - second for first, second in zip(other, base, strict=True)],
        resolution=sqrt(2) / images,  # each side is a difference of two rounded values
    )


def interactions_grid(interactions: Sequence[Interaction], title: str) -> Grid:
    """The interactions as a table."""
    columns = [
        Column("arm", "Changes", "", tuple(one.arm for one in interactions), number=False),
        Column("effect", "Interaction", "points", tuple(map(_effect, interactions))),
        Column("p", "p", "Holm", tuple(f"{one.p:.3f}" for one in interactions)),
        Column("verdict", "Verdict", "", tuple(one.verdict for one in interactions), number=False),
    ]
    return Grid(f"{title}: interactions", columns, [_NOTE], ())


_NOTE = (
    "Interaction: accuracy of both changes minus that of one, minus the same difference without "
    "the other change, paired by seed, with its 95 % Student t interval; p values after Holm's "
    "correction over all interactions."
)


def interaction_notes(interactions: Sequence[Interaction]) -> list[str]:
    """One note with all of them; none where there are none."""
    if not interactions:
        return []
    texts = (f"{one.arm}: {_effect(one)}, p = {one.p:.3f}, {one.verdict}" for one in interactions)
    return [f"{_NOTE} {'; '.join(texts)}."]


def _effect(one: Interaction) -> str:
    effect = one.effect
    return f"{100 * effect.difference:+.2f} [{100 * effect.low:+.2f}, {100 * effect.high:+.2f}]"
