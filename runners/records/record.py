"""The record: one evaluated architecture x seed x budget. No I/O here."""

from __future__ import annotations

from enum import Enum
from typing import Any, NamedTuple

from pydantic import BaseModel, ConfigDict

PROTOCOL_VERSION = 2
"""Raised whenever a number of a record is measured in a new way."""


class State(str, Enum):
    """How an evaluation ended."""

    FINISHED = "finished"
    PRUNED = "pruned"
    INFEASIBLE = "infeasible"
    FAILED = "failed"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ThroughputRung(_Part):
    """One batch size of a throughput ladder."""

    batch: int
    images_per_s: float


class Costs(_Part):
    """What a network costs; MACs are multiply-accumulates of one image.

    Fields with a default came with protocol 2, in older records they are absent; or a search leaves
    them out: it measures no more than it needs.
    """

    form: str = "eager"
    """How it ran: "eager", "deploy", "compile" or "onnx"."""
    form_note: str = ""
    """What making the form did: norms folded, memory format, seconds to compile."""
    form_seconds: float = 0.0
    """To make the form: compiling or exporting."""
    parity: float | None = None
    """Largest difference to the eager output over the larger of 1 and its largest entry."""
    params: int
    macs: int
    macs_by_operator: dict[str, int] = {}
    macs_by_module: dict[str, int] = {}
    """By dotted name; "" is the whole, and a parent holds the sum of its children."""
    macs_uncounted: list[str] = []
    """Operators without a rule, where those were allowed: then `macs` is a lower bound."""
    macs_range: list[int] = []
    """Fewest and most over a few inputs, where they differ; `macs` is that of the timed input."""
    multiplications: int | None = None
    """Element-wise products of two tensors that are in no sum of products: not MACs, not hidden."""
    macs_ptflops: int | None = None
    """What ptflops reports for the same network, None where it raised; printed, never used."""
    other_ops: dict[str, int] = {}
    """Elements written by norms, activations, pooling ..., per operator: not MACs, not hidden."""
    latency_ms_samples: list[float] = []
    """Batch 1, one entry per round, in the order of the rounds: index i of two arms is a pair."""
    latency_rounds: list[int] = []
    """How many of the samples each fresh process took, in their order; empty means one process."""
    latency_blocks: list[int] = []
    """How many were taken with each placement in memory, in order, process by process."""
    latency_stopped: str = ""
    """Why the rounds ended: "precision 2 %", "100 rounds" or "10 s"."""
    latency_ms_median: float | None = None
    latency_ms_min: float | None = None
    latency_ms_iqr: float | None = None
    latency_threads: int | None = None
    latency_reference_ms_median: float | None = None
    """Of the reference network that is timed with every trial of a search: it shows drift."""
    latency_ratio: float | None = None
    """To that network: median over rounds of the ratio within a round."""
    throughput_images_per_s: float | None = None
    throughput_batch: int | None = None
    throughput_threads: int | None = None
    throughput_ladder: list[ThroughputRung] = []
    """Every batch tried, ascending; the best one is the throughput's."""
    out_of_memory_batch: int | None = None
    """The smallest batch seen not to fit; None where none was met."""
    largest_batch: int | None = None
    """The largest batch seen to fit."""
    peak_memory_bytes: int | None = None
    """Peak of one batch-1 inference, weights included, above the empty process.

    None for a compiled form on a CPU, where the compiler's memory cannot be separated.
    """
    peak_training_memory_bytes: int | None = None
    """Peak of two training steps (forward, backward, AdamW) above the empty process."""
    training_memory_reason: str = ""
    """Why there is no such peak: it cannot be trained, or its form is none to train in."""
    training_memory_batch: int | None = None
    energy_mj_per_image: float | None = None
    """Of the whole package or board while batch-1 inferences run; None without a counter."""
    energy_source: str = ""
    """Which counter, or why there is none."""
    fingerprint: dict[str, str | int | bool]
    """Machine, software and protocol these costs were measured with."""


class Epoch(_Part):
    """One point of a learning curve."""

    epoch: int
    train_loss: float | None = None
    val_accuracy: float
    images_per_s: float | None = None


class Quality(_Part):
    """How well an architecture does after training. Accuracies are fractions in [0, 1]."""

    test_accuracy: float | None = None
    """None where the training was stopped early: what is not chosen is not tested."""
    val_accuracy: float
    curve: list[Epoch]
    weights: str
    """Which weights were reported, chosen on the validation split: "ema" or "raw"."""
    epochs: int
    train_images: int
    val_images: int
    test_images: int
    train_seconds: float


class TrainingResult(NamedTuple):
    """The quality after a training; untested if the training was stopped before its last epoch."""

    quality: Quality
    stopped: bool


class Provenance(_Part):
    """Where a record comes from."""

    dataset: str
    dataset_checksum: str
    dataset_note: str
    """What the data set is; a subset says so."""
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
    """Why it failed, was pruned or is infeasible, in one line; empty when finished."""
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
        if self.costs is not None:
            row["throughput_ladder"] = [rung.model_dump() for rung in self.costs.throughput_ladder]
        if self.quality is not None:
            row["curve"] = [point.model_dump() for point in self.quality.curve]
        row["architecture"] = self.architecture
        for field in Provenance.model_fields:
            row[field] = getattr(self.provenance, field)
        row["cost_fingerprint"] = self.costs.fingerprint if self.costs is not None else None
        return row
