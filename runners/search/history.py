"""What a search knows so far: the ledger that its trials are entered in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from runners.records.record import Record, State
from runners.search.limits import Limits
from runners.search.objectives import Objectives, objective_values, to_losses
from runners.search.rungs import HalvingRung
from search_space import Space

DUPLICATE = "duplicate"
_FAILS = "fails"


@dataclass(frozen=True)
class Known:
    """An architecture that was looked at: its first trial, the values it had, what was found."""

    number: int
    params: Mapping[str, Any]
    record: Record


class Ledger:
    """Every architecture that was looked at, and what follows from that.

    Args:
        objectives: names and directions.
        limits: the constraints of the space.
        rungs: by epoch; what reached one is entered there.
    """

    def __init__(
        self, objectives: Objectives, limits: Limits, rungs: Mapping[int, HalvingRung]
    ) -> None:
        self._objectives, self._limits, self._rungs = objectives, limits, rungs
        self._known: dict[str, Known] = {}
        self._worst: tuple[float, ...] | None = None
        self.counts: Counter[str] = Counter()

    def __contains__(self, architecture_hash: str) -> bool:
        return architecture_hash in self._known

    def known(self, architecture_hash: str) -> Known | None:
        """What is known of an architecture."""
        return self._known.get(architecture_hash)

    def count_duplicate(self) -> None:
        """A trial had an architecture that is known, or under way."""
        self.counts[DUPLICATE] += 1

    @property
    def results(self) -> int:
        """Architectures trained to the end, or stopped at a rung."""
        return self.counts[State.FINISHED.value] + self.counts[State.PRUNED.value]

    def rows(self, space: Space) -> list[dict[str, Any]]:
        """A flat row for every architecture that was looked at, in the order of their trials."""
        return [
            {
                **known.record.flat(),
                "trial": known.number,
                "values": space.active(known.params),
            }
            for known in sorted(self._known.values(), key=lambda known: known.number)
        ]

    def take_in(self, number: int, params: Mapping[str, Any], record: Record) -> None:
        """Remember what was found of an architecture that is new."""
        self._known[record.architecture_hash] = Known(number, params, record)
        self.counts[record.state.value] += 1
        found = objective_values(record, self._objectives)
        if found is None or record.state not in (State.FINISHED, State.PRUNED):
            return
        now = to_losses(found, self._objectives)
        self._worst = now if self._worst is None else tuple(map(max, self._worst, now))
        for epoch, rung in self._rungs.items():
            if record.quality is not None and record.quality.epochs >= epoch:
                rung.add(record.architecture_hash, self.loss_at(record, epoch))

    def told(self, record: Record) -> tuple[Sequence[float], Mapping[str, float]]:
        """Values and constraints of a record for the sampler.

        Values that a trial does not have are the worst seen: its broken constraint tells more.
        """
        constraints = dict(self._limits.excesses(record.costs))
        constraints[_FAILS] = 1.0 if record.state is State.FAILED else 0.0
        found = objective_values(record, self._objectives)
        if found is None:
            worst = self._worst or (0.0,) * len(self._objectives)
            found = to_losses(worst, self._objectives)  # its own inverse
        return found, constraints

    def loss_at(self, record: Record, epoch: int) -> tuple[float, ...]:
        """What a trial had to show after an epoch."""
        assert record.quality is not None
        curve = record.quality.curve[:epoch]
        early = record.model_copy(
            update={"quality": record.quality.model_copy(update={"curve": curve})}
        )
        found = objective_values(early, self._objectives)
        assert found is not None
        return to_losses(found, self._objectives)
