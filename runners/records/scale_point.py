"""The record of a scaling study: one mixer at one width and size of map."""

from __future__ import annotations

from enum import Enum
from typing import Any

from pydantic import BaseModel, ConfigDict


class PointState(str, Enum):
    """Whether the mixer was measured at this size, or why not."""

    MEASURED = "measured"
    OUT_OF_MEMORY = "out of memory"
    PAST_CAP = "past the time cap"
    FAILED = "failed"


class ScalePoint(BaseModel):
    """A single mixer at one width on maps of side x side."""

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
    """Of one image, by the mixer's formula; the tests check it against the counted ones."""
    peak_memory_bytes: int | None = None
    """Of one forward pass of the batch, above the empty process."""
    latency_ms_samples: list[float] = []
    """One per round; index i of two mixers at the same width and side is a pair."""
    threads: int
    fingerprint: dict[str, str | int | bool]

    def flat(self) -> dict[str, Any]:
        """The point as one level of plain values."""
        return {**self.model_dump(mode="json"), "state": self.state.value}
