"""What a job tells whoever watches it; by default nobody does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from runners.records.record import Record


@dataclass(frozen=True)
class Step:
    """Progress of a training: its epoch, images seen, and all it will see."""

    epoch: int
    images: int
    total_images: int


class Watch:
    """Told what happens, in this order; does nothing until a display overrides it."""

    def stage(self, text: str) -> None:
        """A stage without a known length begins."""

    def costs(self, records: Sequence[Record]) -> None:
        """All costs are known; the records have no quality yet."""

    def begin(self, evaluations: int) -> None:
        """So many evaluations follow."""

    def arm(self, name: str, seed: int) -> None:
        """One evaluation begins; several may run at once."""

    def step(self, name: str, seed: int, step: Step) -> None:
        """It has trained a bit more."""

    def finished(self, record: Record) -> None:
        """It ended, well or not."""

    def close(self, folder: Path) -> None:
        """The run is over, or was interrupted; its files are in the folder."""
