"""What a search tells whoever watches it; by default nobody does."""

from __future__ import annotations

from collections.abc import Mapping

from runners.progress.listener import Step
from runners.records.record import Record
from runners.search.candidate import Candidate


class SearchWatch:
    """Told what happens; does nothing until a display overrides it."""

    def stage(self, text: str) -> None:
        """A stage without a known length begins."""

    def begun(self, candidate: Candidate) -> None:
        """A trial begins; several may run at once."""

    def step(self, candidate: Candidate, step: Step) -> None:
        """It has trained a bit more."""

    def ended(self, candidate: Candidate, record: Record) -> None:
        """It ended, well or not."""

    def dropped(self, candidate: Candidate, reason: str) -> None:
        """It lost its process, and will be asked again."""

    def counted(self, counts: Mapping[str, int]) -> None:
        """How many trials have ended in each state so far; "duplicate" is one too."""

    def close(self) -> None:
        """The search is over, or was interrupted."""
