"""What a search asks to evaluate, and who can."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from lolvit import LolvitConfig
from runners.engines.task_queue import OnStep, RunTiming, ShouldContinue
from runners.records.record import Costs, Provenance, Quality, Record, State


@dataclass(frozen=True)
class Candidate:
    """A trial of a search: its number in the study, its architecture, the seed of its training."""

    number: int
    architecture: LolvitConfig
    seed: int

    def record(
        self,
        state: State,
        provenance: Provenance,
        *,
        reason: str = "",
        costs: Costs | None = None,
        quality: Quality | None = None,
    ) -> Record:
        """The record of what became of it."""
        return Record(
            name=f"trial {self.number}",
            architecture=self.architecture.to_dict(),
            architecture_hash=self.architecture.hash,
            # Without fusion blocks it is GhostNet, which is published.
            reconstructed=any(self.architecture.fusion_blocks),
            seed=self.seed,
            state=state,
            reason=reason,
            costs=costs,
            quality=quality,
            provenance=provenance,
        )


class Evaluator(Protocol):
    """Turns candidates into records; pickled into the processes that do the work."""

    @property
    def immediate(self) -> bool:
        """Whether an evaluation takes no more than milliseconds."""

    def __call__(
        self,
        candidate: Candidate,
        on_step: OnStep,
        should_continue: ShouldContinue,
        timing: RunTiming,
    ) -> Record:
        """Evaluate; whatever goes wrong inside is a record in state failed, with the reason."""

    def provenance(self, candidate: Candidate) -> Provenance:
        """What a record of it that was never evaluated says of where it comes from."""

    def files(self, candidate: Candidate) -> tuple[Path, ...]:
        """What an unfinished evaluation leaves, to go on from."""

    def forget(self, candidate: Candidate) -> None:
        """Throw away what an unfinished evaluation left: its record is kept now."""

    def plan(self) -> dict[str, Any]:
        """Everything that decides the results, in plain JSON types."""
