"""What a job tells whoever watches it; by default nobody does."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from runners.record import Record


class Watch:
    """Told what happens, in this order; does nothing until a display overrides it."""

    def stage(self, text: str) -> None:
        """A stage without a known length begins."""

    def costs(self, records: Sequence[Record]) -> None:
        """All costs are known; the records have no quality yet."""

    def begin(self, evaluations: int) -> None:
        """So many evaluations follow."""

    def arm(self, name: str, seed: int) -> None:
        """One evaluation begins."""

    def step(self, epoch: int, images: int, total_images: int) -> None:
        """One training step of it is done: images seen, and all it will see."""

    def finished(self, record: Record) -> None:
        """It ended, well or not."""

    def close(self, folder: Path) -> None:
        """The run is over, or was interrupted; its files are in the folder."""
