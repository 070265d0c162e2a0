"""The evaluator that looks results up in the tabulated benchmark: a sweep takes seconds."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runners.evaluate import EvaluationSpec, OnStep, RunTiming
from runners.records.record import Costs, Epoch, Provenance, Quality, TrainingResult
from runners.records.unavailable import Unavailable
from runners.search.limits import Limits
from search_space import tabular

_TRAINED = "accuracy looked up: trained when the table was made"
_PREDICTED = "accuracy looked up: predicted by the table's surrogate, not measured"


@dataclass(frozen=True)
class TabulatedEvaluator:
    """Looks architectures up.

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

    def provenance(self, spec: EvaluationSpec) -> Provenance:
        table = tabular.load()
        entry = table.entries.get(spec.architecture_hash)
        note = _TRAINED if entry is not None and entry.is_trained else _PREDICTED
        return Provenance(
            dataset="tabulated benchmark",
            dataset_checksum=table.about["checksum"],
            dataset_note=f"tabulated benchmark; {note}" if self.trained else "tabulated benchmark",
            resolution=spec.resolution,
            recipe=table.about["recipe"] if self.trained else {},
            fingerprint=table.about["fingerprint"],
        )

    def measure(self, spec: EvaluationSpec, run_timing: RunTiming) -> Costs | Unavailable:
        table = tabular.load()
        entry = table.entries.get(spec.architecture_hash)
        if entry is None:
            return Unavailable("the architecture is not in the table")
        return _costs(entry, table)

    def find_violation(self, costs: Costs) -> str:
        return self.limits.find_violation(costs)

    def train(
        self, spec: EvaluationSpec, on_step: OnStep, should_continue: Callable[[Quality], bool]
    ) -> TrainingResult | None:
        if not self.trained:
            return None
        table = tabular.load()
        entry = table.entries[spec.architecture_hash]
        for epoch in range(1, table.epochs):
            time.sleep(self.epoch_s)
            quality = _quality(entry, epoch, table)
            if not should_continue(quality):
                return TrainingResult(quality, stopped=True)
        time.sleep(self.epoch_s)
        return TrainingResult(_quality(entry, table.epochs, table), stopped=False)

    def files(self, spec: EvaluationSpec) -> tuple[Path, ...]:
        return ()

    def remove_files(self, spec: EvaluationSpec) -> None:
        """Nothing is left behind."""


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
