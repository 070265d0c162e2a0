"""What a search proposes, what it has evaluated, and what follows from that."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from lolvit import LolvitConfig
from runners.evaluate import EvaluationSpec
from runners.records.objectives import Objectives, objective_values, to_losses
from runners.records.record import Record, State
from runners.search.limits import Limits
from runners.search.rungs import HalvingRung
from search_space import Space

DUPLICATE = "duplicate"
_FAILS = "fails"


@dataclass(frozen=True)
class Candidate:
    """A proposed architecture: the number of its trial, and the seed of its training."""

    number: int
    architecture: LolvitConfig
    seed: int
    params: Mapping[str, Any] = field(default_factory=dict)

    @property
    def spec(self) -> EvaluationSpec:
        """What its record is about."""
        return EvaluationSpec.of_architecture(
            f"trial {self.number}",
            self.architecture,
            # Without fusion blocks it is GhostNet, which is published.
            reconstructed=any(self.architecture.fusion_blocks),
            seed=self.seed,
        )


@dataclass(frozen=True)
class HistoryEntry:
    """An evaluated architecture: its first trial, the values of that trial, the record."""

    number: int
    params: Mapping[str, Any]
    record: Record


class History:
    """Every architecture that was evaluated, by hash; `rungs`, by epoch, get all that reach one."""

    def __init__(
        self, objectives: Objectives, limits: Limits, rungs: Mapping[int, HalvingRung]
    ) -> None:
        self._objectives, self._limits, self._rungs = objectives, limits, rungs
        self._entries: dict[str, HistoryEntry] = {}
        self._worst: tuple[float, ...] | None = None
        self.reference_ms: float | None = None
        """Latency of the reference when the study began: latencies are ratios times this one."""
        self.counts: Counter[str] = Counter()

    def __contains__(self, architecture_hash: str) -> bool:
        return architecture_hash in self._entries

    def __len__(self) -> int:
        return len(self._entries)

    def get(self, architecture_hash: str) -> HistoryEntry | None:
        """The entry of an architecture; None for a new one."""
        return self._entries.get(architecture_hash)

    def count_duplicate(self) -> None:
        """Count a trial whose architecture has been evaluated, or is running."""
        self.counts[DUPLICATE] += 1

    @property
    def results(self) -> int:
        """The number of architectures trained to the end, or stopped at a rung."""
        return self.counts[State.FINISHED.value] + self.counts[State.PRUNED.value]

    def rows(self, space: Space) -> list[dict[str, Any]]:
        """A flat row for every evaluated architecture, in the order of the trials."""
        return [
            {
                **entry.record.flat(),
                "trial": entry.number,
                "values": space.active(entry.params),
            }
            for entry in sorted(self._entries.values(), key=lambda entry: entry.number)
        ]

    def add(self, number: int, params: Mapping[str, Any], record: Record) -> None:
        """Add the record of a new architecture."""
        self._entries[record.architecture_hash] = HistoryEntry(number, params, record)
        self.counts[record.state.value] += 1
        if self.reference_ms is None and record.costs is not None:
            self.reference_ms = record.costs.latency_reference_ms_median
        result = self._values(record)
        if result is None or record.state not in (State.FINISHED, State.PRUNED):
            return
        losses = to_losses(result, self._objectives)
        self._worst = losses if self._worst is None else tuple(map(max, self._worst, losses))
        for epoch, rung in self._rungs.items():
            if record.quality is not None and record.quality.epochs >= epoch:
                rung.add(record.architecture_hash, self.loss_at(record, epoch))

    def values_for_sampler(self, record: Record) -> tuple[Sequence[float], Mapping[str, float]]:
        """Values and constraints of a record, as the sampler learns them.

        Values that a trial lacks are the worst seen so far: its violated constraint matters more.
        """
        constraints = dict(self._limits.excesses(record.costs))
        constraints[_FAILS] = 1.0 if record.state is State.FAILED else 0.0
        result = self._values(record)
        if result is None:
            worst = self._worst or (0.0,) * len(self._objectives)
            result = to_losses(worst, self._objectives)  # `to_losses` is its own inverse
        return result, constraints

    def loss_at(self, record: Record, epoch: int) -> tuple[float, ...]:
        """The objectives of a trial after an epoch, signed so that less is better."""
        assert record.quality is not None
        curve = record.quality.curve[:epoch]
        early = record.model_copy(
            update={"quality": record.quality.model_copy(update={"curve": curve})}
        )
        result = self._values(early)
        assert result is not None
        return to_losses(result, self._objectives)

    def _values(self, record: Record) -> tuple[float, ...] | None:
        """The objectives, with a latency that the drift of the machine has no part in."""
        costs = record.costs
        if costs is not None and costs.latency_ratio and costs.latency_reference_ms_median:
            reference = self.reference_ms or costs.latency_reference_ms_median
            costs = costs.model_copy(update={"latency_ms_median": costs.latency_ratio * reference})
            record = record.model_copy(update={"costs": costs})
        return objective_values(record, self._objectives)
