"""Candidates looked up in the tabulated benchmark: a sweep in seconds, for trying out searchers."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runners.engines.task_queue import OnStep, RunTiming, ShouldContinue
from runners.records.record import Costs, Epoch, Provenance, Quality, Record, State
from runners.search.candidate import Candidate
from runners.search.limits import Limits
from search_space import tabular

_TRAINED = "accuracy looked up: trained when the table was made"
_PREDICTED = "accuracy looked up: predicted by the table's surrogate, not measured"


@dataclass(frozen=True)
class Tabulated:
    """Looks candidates up.

    Args:
        limits: what is not worth training.
        trained: whether an accuracy is wanted.
        immediate: False gives each look-up a process of its own, for tests of engines.
        epoch_s: seconds that each epoch pretends to take.
    """

    limits: Limits
    trained: bool
    immediate: bool = True
    epoch_s: float = 0.0

    def plan(self) -> dict[str, Any]:
        table = tabular.load()
        return {"evaluation": "tabular", "table": table.about["checksum"], "trained": self.trained}

    def provenance(self, candidate: Candidate) -> Provenance:
        table = tabular.load()
        entry = table.entries.get(candidate.architecture.hash)
        note = _TRAINED if entry is not None and entry.is_trained else _PREDICTED
        return Provenance(
            dataset="tabulated benchmark",
            dataset_checksum=table.about["checksum"],
            dataset_note=f"tabulated benchmark; {note}" if self.trained else "tabulated benchmark",
            resolution=candidate.architecture.resolution,
            recipe=table.about["recipe"] if self.trained else {},
            fingerprint=table.about["fingerprint"],
        )

    def files(self, candidate: Candidate) -> tuple[Path, ...]:
        return ()

    def forget(self, candidate: Candidate) -> None:
        """Nothing is left behind."""

    def __call__(
        self,
        candidate: Candidate,
        on_step: OnStep,
        should_continue: ShouldContinue,
        timing: RunTiming,
    ) -> Record:
        table, provenance = tabular.load(), self.provenance(candidate)
        entry = table.entries.get(candidate.architecture.hash)
        if entry is None:
            return candidate.record(State.FAILED, provenance, reason="not in the table")
        costs = _costs(entry, table)
        if broken := self.limits.broken(costs):
            return candidate.record(State.INFEASIBLE, provenance, reason=broken, costs=costs)
        if not self.trained:
            return candidate.record(State.FINISHED, provenance, costs=costs)
        for epoch in range(1, table.epochs):
            time.sleep(self.epoch_s)
            reason = f"stopped after epoch {epoch}"
            quality = _quality(entry, epoch, table)
            so_far = candidate.record(
                State.PRUNED, provenance, reason=reason, costs=costs, quality=quality
            )
            if not should_continue(so_far):
                return so_far
        time.sleep(self.epoch_s)
        quality = _quality(entry, table.epochs, table)
        return candidate.record(State.FINISHED, provenance, costs=costs, quality=quality)


def _costs(entry: tabular.TableEntry, table: tabular.Table) -> Costs:
    return Costs(
        params=entry.params,
        macs=entry.macs,
        latency_ms_median=entry.latency_ms_median,
        latency_ms_min=entry.latency_ms_min,
        latency_ratio=entry.latency_ratio,
        latency_threads=table.about["latency"]["threads"],
        fingerprint=table.about["fingerprint"],
    )


def _quality(entry: tabular.TableEntry, epochs: int, table: tabular.Table) -> Quality:
    curve = [
        Epoch(epoch=number, train_loss=None, val_accuracy=accuracy, images_per_s=None)
        for number, accuracy in enumerate(entry.curve[:epochs], 1)
    ]
    return Quality(
        test_accuracy=entry.test_accuracy if epochs == table.epochs else None,
        val_accuracy=curve[-1].val_accuracy,
        curve=curve,
        weights="ema",
        epochs=epochs,
        train_images=table.about["images"]["train"],
        val_images=table.about["images"]["val"],
        test_images=table.about["images"]["test"],
        train_seconds=0.0,
    )
