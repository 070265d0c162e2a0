"""The one record of the house: an evaluated architecture x seed x budget. No I/O here."""

from __future__ import annotations

from enum import Enum
from typing import Any

from pydantic import BaseModel, ConfigDict

PROTOCOL_VERSION = 1
"""Raised whenever a number of a record is measured in a new way."""


class State(str, Enum):
    """How an evaluation ended."""

    FINISHED = "finished"
    PRUNED = "pruned"
    FAILED = "failed"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Costs(_Part):
    """What an architecture costs; MACs are multiply-accumulates of one image."""

    params: int
    macs: int
    macs_by_operator: dict[str, int]
    macs_ptflops: int | None
    """What ptflops reports for the same network, None where it raised; shown, never used."""
    other_ops: dict[str, int]
    """Elements written by norms, activations, pooling ..., per operator: not MACs, not hidden."""
    latency_ms_samples: list[float]
    """Batch 1, one entry per round, in the order of the rounds: index i of two arms is a pair."""
    latency_ms_median: float
    latency_ms_min: float
    latency_ms_iqr: float
    latency_threads: int
    throughput_images_per_s: float
    throughput_batch: int
    throughput_threads: int
    peak_memory_bytes: int
    """Peak of one batch-1 inference, weights included, above the empty process."""
    fingerprint: dict[str, str | int | bool]
    """Machine, software and protocol these costs were measured with."""


class Epoch(_Part):
    """One point of a learning curve."""

    epoch: int
    train_loss: float
    val_accuracy: float
    images_per_s: float


class Quality(_Part):
    """How well an architecture does after training. Accuracies are fractions in [0, 1]."""

    test_accuracy: float
    val_accuracy: float
    curve: list[Epoch]
    weights: str
    """Which weights were reported, chosen on the validation split: "ema" or "raw"."""
    epochs: int
    train_images: int
    val_images: int
    test_images: int
    train_seconds: float


class Provenance(_Part):
    """Where a record comes from."""

    dataset: str
    dataset_checksum: str
    dataset_note: str
    """What the data set is, in words; a subset says so."""
    resolution: int
    recipe: dict[str, Any]
    fingerprint: dict[str, str | int | bool]


class Record(_Part):
    """One evaluated architecture x seed x budget; a failure is a record too."""

    name: str
    architecture: dict[str, Any]
    architecture_hash: str
    reconstructed: bool
    """True where the mixer follows an abstract, not published equations or code."""
    seed: int
    state: State
    reason: str = ""
    """Why it failed or was pruned, in one line; empty when finished."""
    costs: Costs | None = None
    quality: Quality | None = None
    provenance: Provenance

    def flat(self) -> dict[str, Any]:
        """One level of fields, as tables and CSV files want them; absent parts are None."""
        row: dict[str, Any] = {
            "name": self.name,
            "architecture_hash": self.architecture_hash,
            "reconstructed": self.reconstructed,
            "seed": self.seed,
            "state": self.state.value,
            "reason": self.reason,
        }
        for part, kind in ((self.costs, Costs), (self.quality, Quality)):
            for field in kind.model_fields:
                if field != "fingerprint":
                    row[field] = getattr(part, field) if part is not None else None
        if self.quality is not None:
            row["curve"] = [point.model_dump() for point in self.quality.curve]
        row["architecture"] = self.architecture
        for field in Provenance.model_fields:
            row[field] = getattr(self.provenance, field)
        row["cost_fingerprint"] = self.costs.fingerprint if self.costs is not None else None
        return row
