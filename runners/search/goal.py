"""When a search ends."""

from __future__ import annotations

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Goal:
    """When a search ends: after this many results, or at a deadline of `time.monotonic`.

    A result is an architecture that was trained to the end or stopped at a rung.
    """

    trials: int
    deadline: float | None = None

    def is_past_deadline(self) -> bool:
        """Whether the time is over."""
        return self.deadline is not None and time.monotonic() >= self.deadline
