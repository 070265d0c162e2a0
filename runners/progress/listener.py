"""What a job reports while it runs; nothing happens with it unless a display listens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from runners.records.record import Record


@dataclass(frozen=True)
class Step:
    """Progress of a training: its epoch, images seen so far, and images it will see in all."""

    epoch: int
    images: int
    total_images: int


class Listener:
    """Receives the events of a job; an evaluation is identified by name and seed.

    Every method does nothing until a subclass overrides it.
    """

    def on_stage(self, text: str) -> None:
        """A stage of unknown length starts."""

    def on_note(self, text: str) -> None:
        """Something that the user should know, as one sentence."""

    def on_costs(self, records: Sequence[Record]) -> None:
        """The costs of all arms are measured; the records have no quality yet."""

    def on_total(self, evaluations: int) -> None:
        """This many evaluations follow."""

    def on_start(self, name: str, seed: int) -> None:
        """An evaluation starts; several may run at once."""

    def on_step(self, name: str, seed: int, step: Step) -> None:
        """A training has made progress."""

    def on_retry(self, name: str, seed: int, reason: str) -> None:
        """An evaluation lost its process, and will be retried."""

    def on_end(self, record: Record) -> None:
        """An evaluation ended, finished or not."""

    def on_counts(self, counts: Mapping[str, int]) -> None:
        """Trials of a search that have ended so far, by state; "duplicate" is one of them."""

    def close(self) -> None:
        """The job ended, or was interrupted."""
