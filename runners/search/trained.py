"""Candidates evaluated for real: costs measured beside a reference network, then trained.

Torch is imported where work begins: a search can be planned without it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lolvit import LolvitConfig
from runners.engines.task_queue import OnStep, RunTiming, ShouldContinue
from runners.records.errors import UserError, named_line
from runners.records.record import Costs, Provenance, Quality, Record, State
from runners.search.candidate import Candidate
from runners.search.config import LatencyConfig
from runners.search.limits import Limits
from runners.training.recipe import Recipe

_LEAST_ROUNDS = 40


@dataclass(frozen=True)
class Images:
    """A data set by name, and what a record says of it."""

    name: str
    checksum: str
    note: str


@dataclass(frozen=True)
class Trained:
    """Measures what is asked for, then trains where an accuracy is.

    Args:
        images: what networks look at.
        recipe: how to train; None trains nothing.
        reference: the network that takes turns with each trial when it is timed; None times
            nothing, and counts MACs and parameters alone.
        timing: rounds and threads.
        memory: whether the peak memory of an inference is measured.
        limits: what is not worth training.
        device: where to train.
        threads: CPU threads of a training.
        checkpoints: folder of unfinished trainings, by hash and seed.
    """

    images: Images
    recipe: Recipe | None
    reference: LolvitConfig | None
    timing: LatencyConfig
    memory: bool
    limits: Limits
    device: str
    threads: int
    checkpoints: Path

    @property
    def immediate(self) -> bool:
        return self.recipe is None and self.reference is None

    def plan(self) -> dict[str, Any]:
        return {
            "evaluation": "trained",
            "dataset": {"name": self.images.name, "checksum": self.images.checksum},
            "recipe": self.recipe.to_dict() if self.recipe is not None else None,
            "latency": self.timing.model_dump() if self.reference is not None else None,
            "reference": self.reference.to_dict() if self.reference is not None else None,
            "memory": self.memory,
            "device": self.device,
            "threads": self.threads,
        }

    def provenance(self, candidate: Candidate) -> Provenance:
        from runners.search.surroundings import surroundings

        return Provenance(
            dataset=self.images.name,
            dataset_checksum=self.images.checksum,
            dataset_note=self.images.note,
            resolution=candidate.architecture.resolution,
            recipe=self.recipe.to_dict() if self.recipe is not None else {},
            fingerprint=surroundings(self.device) | {"train_threads": self.threads},
        )

    def __call__(
        self,
        candidate: Candidate,
        on_step: OnStep,
        should_continue: ShouldContinue,
        timing: RunTiming,
    ) -> Record:
        try:
            costs = self._costs(candidate, timing)
        except UserError:
            raise
        except Exception as error:  # it must not take the search with it
            return self.failure(candidate, named_line(error))
        if broken := self.limits.broken(costs):
            return self._record(candidate, State.INFEASIBLE, costs, reason=broken)
        if self.recipe is None:
            return self._record(candidate, State.FINISHED, costs)
        try:
            return self._train(candidate, self.recipe, costs, on_step, should_continue)
        except UserError:
            raise
        except Exception as error:
            return self.failure(candidate, named_line(error), costs)

    def failure(self, candidate: Candidate, reason: str, costs: Costs | None = None) -> Record:
        """The record of one that ended without a result."""
        return self._record(candidate, State.FAILED, costs, reason=reason)

    def _costs(self, candidate: Candidate, timing: RunTiming) -> Costs:
        from runners.measure.quick_costs import QuickCosts, count_costs, measure_trial
        from runners.measure.timing.latency import Rounds

        if self.reference is None:
            return count_costs(candidate.architecture)
        rounds = Rounds(
            most=self.timing.rounds,
            least=min(_LEAST_ROUNDS, self.timing.rounds),
            budget_s=self.timing.seconds,
            precision=self.timing.precision,
        )
        brief = QuickCosts(self.reference, self.device, self.timing.threads, rounds, self.memory)
        costs: Costs = timing(measure_trial, candidate.architecture, brief)
        return costs

    def _train(
        self,
        candidate: Candidate,
        recipe: Recipe,
        costs: Costs,
        on_step: OnStep,
        should_continue: ShouldContinue,
    ) -> Record:
        import torch

        from lolvit import build
        from runners import data
        from runners.measure.timing.latency import intra_op_threads
        from runners.training.loop import train

        def is_worth_it(quality: Quality) -> bool:
            return should_continue(self._stopped(candidate, costs, quality))

        dataset = data.load(self.images.name, candidate.architecture.resolution)
        with intra_op_threads(self.threads):
            quality, stopped = train(
                build(candidate.architecture, seed=candidate.seed),
                dataset,
                recipe,
                seed=candidate.seed,
                device=torch.device(self.device),
                on_step=on_step,
                should_continue=is_worth_it,
                checkpoint=self.checkpoint(candidate),
            )
        if stopped:
            return self._stopped(candidate, costs, quality)
        return self._record(candidate, State.FINISHED, costs, quality=quality)

    def files(self, candidate: Candidate) -> tuple[Path, ...]:
        return (self.checkpoint(candidate),) if self.recipe is not None else ()

    def forget(self, candidate: Candidate) -> None:
        for file in self.files(candidate):
            file.unlink(missing_ok=True)

    def checkpoint(self, candidate: Candidate) -> Path:
        """Where its unfinished training lies."""
        return self.checkpoints / f"{candidate.architecture.hash}-{candidate.seed}.pt"

    def _stopped(self, candidate: Candidate, costs: Costs, quality: Quality) -> Record:
        reason = f"stopped after epoch {quality.epochs}"
        return self._record(candidate, State.PRUNED, costs, reason=reason, quality=quality)

    def _record(
        self,
        candidate: Candidate,
        state: State,
        costs: Costs | None,
        *,
        reason: str = "",
        quality: Quality | None = None,
    ) -> Record:
        provenance = self.provenance(candidate)
        return candidate.record(state, provenance, reason=reason, costs=costs, quality=quality)
