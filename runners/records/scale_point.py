"""One mixer at one width and map: the record of a scaling study. No I/O here."""

from __future__ import annotations

from enum import Enum
from typing import Any

from pydantic import BaseModel, ConfigDict


class PointState(str, Enum):
    """How far the mixer got at this size."""

    MEASURED = "measured"
    OUT_OF_MEMORY = "out of memory"
    PAST_CAP = "past the time cap"
    FAILED = "failed"


class ScalePoint(BaseModel):
    """One mixer alone at one width on one side x side map, batch 1 unless `batch` says else."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mixer: str
    reconstructed: bool
    width: int
    heads: int
    batch: int
    side: int
    tokens: int
    """N = side squared."""
    state: PointState
    reason: str = ""
    macs: int | None = None
    """Of one image, by the mixer's own formula, which the tests hold equal to the counted ones."""
    peak_memory_bytes: int | None = None
    """Of one forward pass of the batch, above the empty process."""
    latency_ms_samples: list[float] = []
    """One a round; index i of two mixers at one width and side is a pair."""
    threads: int
    fingerprint: dict[str, str | int | bool]

    def flat(self) -> dict[str, Any]:
        """One level of plain values."""
        return {**self.model_dump(mode="json"), "state": self.state.value}
