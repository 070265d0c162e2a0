"""What one check says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warn", "unknown"]
NOT_KNOWN = "not known on this system"


@dataclass(frozen=True)
class Finding:
    """One line of the doctor."""

    check: str
    state: State
    found: str
    means: str
    """What it does to timings, and how to change it."""


def not_known(check: str, means: str) -> Finding:
    """A check of which this system tells nothing; `means` says why it would matter."""
    return Finding(check, "unknown", NOT_KNOWN, means)
