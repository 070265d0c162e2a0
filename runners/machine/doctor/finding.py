"""The result of one check."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warn", "unknown"]
UNKNOWN = "unknown on this system"


@dataclass(frozen=True)
class Finding:
    """One line of the doctor's report.

    Args:
        check: name of the check.
        state: "unknown" where the system does not provide the fact.
        value: the observed value, as a phrase.
        meaning: what it does to timings, and how to change it.
    """

    check: str
    state: State
    value: str
    meaning: str


def unknown(check: str, relevance: str) -> Finding:
    """The result of a check whose fact this system does not provide."""
    return Finding(check, "unknown", UNKNOWN, relevance)


def judge(check: str, is_fine: bool, value: str, fine: str, problem: str) -> Finding:
    """The result of a check, "ok" meaning `fine` or "warn" meaning `problem`."""
    return Finding(check, "ok" if is_fine else "warn", value, fine if is_fine else problem)
