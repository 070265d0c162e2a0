"""The first trials of a search: if they fail alike, not their architectures are the reason."""

from __future__ import annotations

from runners.records.record import Record
from runners.search.history import Candidate

_MOST = 3


class FirstFailures:
    """Failures from before any result, held back until it is known whether all fail alike."""

    def __init__(self) -> None:
        self.held: list[tuple[Candidate, Record]] = []

    def hold(self, candidate: Candidate, record: Record) -> bool:
        """Hold a failure back; False if another one has failed for another reason."""
        if any(other.reason != record.reason for _, other in self.held):
            return False
        self.held.append((candidate, record))
        return True

    def take(self) -> list[tuple[Candidate, Record]]:
        """Everything that is held, which then no longer is."""
        held, self.held = self.held, []
        return held

    @property
    def reason(self) -> str:
        """Why the search must stop; "" while it may go on."""
        if len(self.held) < _MOST:
            return ""
        return f"the first {len(self.held)} trials failed alike: {self.held[0][1].reason}"
