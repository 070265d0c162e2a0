"""Architecture + budget -> record, for every command: the only place that makes records."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol, TypeAlias

from lolvit import Architecture
from runners.records.errors import UserError, named_line
from runners.records.record import (
    Costs,
    Provenance,
    Quality,
    Record,
    State,
    TrainingResult,
)
from runners.records.unavailable import Unavailable

OnStep: TypeAlias = Callable[[int, int, int], None]
"""Called after each training step: epoch, images trained on so far, images in all."""
ShouldContinue: TypeAlias = Callable[[Record], bool]
"""Called after each epoch but the last, with the record that results if the training ends now."""
RunTiming: TypeAlias = Callable[..., Any]
"""run_timing(function, *arguments): the function's result, computed where timing is allowed."""


def ignore_step(epoch: int, images: int, total_images: int) -> None:
    """Do nothing: the `OnStep` of evaluations whose progress is not reported."""


def run_here(function: Callable[..., Any], *arguments: Any) -> Any:
    """Run a timing in this process: the `RunTiming` of processes that may time."""
    return function(*arguments)


@dataclass(frozen=True)
class EvaluationSpec:
    """What one record is about.

    Args:
        name: as shown in tables.
        architecture: as JSON types; or whatever identifies a target that is only measured.
        architecture_hash: equal for equal architectures.
        resolution: side of the input in pixels.
        reconstructed: whether the mixer follows an abstract, not published equations or code.
        seed: of the training.
    """

    name: str
    architecture: dict[str, Any]
    architecture_hash: str
    resolution: int
    reconstructed: bool
    seed: int = 0

    @classmethod
    def of_architecture(
        cls, name: str, architecture: Architecture, *, reconstructed: bool, seed: int = 0
    ) -> EvaluationSpec:
        """The evaluation of an architecture of this suite."""
        return cls(
            name=name,
            architecture=architecture.to_dict(),
            architecture_hash=architecture.hash,
            resolution=architecture.resolution,
            reconstructed=reconstructed,
            seed=seed,
        )


class Evaluator(Protocol):
    """Measures and trains, or looks up; it is pickled into the processes that evaluate."""

    @property
    def immediate(self) -> bool:
        """Whether an evaluation takes no more than milliseconds."""

    def provenance(self, spec: EvaluationSpec) -> Provenance:
        """Where the numbers of its record come from."""

    def measure(self, spec: EvaluationSpec, run_timing: RunTiming) -> Costs | Unavailable:
        """Costs; whatever it raises but UserError is the architecture's failure."""

    def find_violation(self, costs: Costs) -> str:
        """Which constraint the costs violate, as a sentence; "" for none."""

    def train(
        self, spec: EvaluationSpec, on_step: OnStep, should_continue: Callable[[Quality], bool]
    ) -> TrainingResult | None:
        """Quality; None where costs are all that is wanted."""

    def files(self, spec: EvaluationSpec) -> tuple[Path, ...]:
        """What an unfinished evaluation leaves behind, to continue from."""

    def remove_files(self, spec: EvaluationSpec) -> None:
        """Delete what an unfinished evaluation left: its record is stored now."""

    def plan(self) -> dict[str, Any]:
        """Everything that decides the results, in JSON types."""


def evaluate(
    spec: EvaluationSpec,
    evaluator: Evaluator,
    on_step: OnStep,
    should_continue: ShouldContinue,
    run_timing: RunTiming,
) -> Record:
    """Measure one architecture, check its constraints, train and test it.

    Whatever goes wrong with the architecture becomes a record in state failed, with the reason.

    Args:
        spec: what is evaluated.
        evaluator: how.
        on_step: called after each training step.
        should_continue: called after each epoch but the last, with the record that results if the
            training ends now.
        run_timing: runs a function where timing is allowed.

    Raises:
        UserError: the data or the machine is at fault, not the architecture.
    """
    record = partial(make_record, spec, evaluator.provenance(spec))
    try:
        costs = evaluator.measure(spec, run_timing)
    except UserError:
        raise
    except Exception as error:  # a failing architecture must not end the whole run
        return record(State.FAILED, reason=named_line(error))
    if isinstance(costs, Unavailable):
        return record(State.FAILED, reason=costs.reason)
    if violation := evaluator.find_violation(costs):
        return record(State.INFEASIBLE, costs=costs, reason=violation)

    def stopped(quality: Quality) -> Record:
        reason = f"stopped after epoch {quality.epochs}"
        return record(State.PRUNED, costs=costs, reason=reason, quality=quality)

    try:
        result = evaluator.train(spec, on_step, lambda quality: should_continue(stopped(quality)))
    except UserError:
        raise
    except Exception as error:
        return record(State.FAILED, costs=costs, reason=named_line(error))
    if result is None:
        return record(State.FINISHED, costs=costs)
    if result.stopped:
        return stopped(result.quality)
    return record(State.FINISHED, costs=costs, quality=result.quality)


def make_record(
    spec: EvaluationSpec,
    provenance: Provenance,
    state: State,
    *,
    reason: str = "",
    costs: Costs | None = None,
    quality: Quality | None = None,
) -> Record:
    """The record of an evaluation; for those that were decided without running, too."""
    return Record(
        name=spec.name,
        architecture=spec.architecture,
        architecture_hash=spec.architecture_hash,
        reconstructed=spec.reconstructed,
        seed=spec.seed,
        state=state,
        reason=reason,
        costs=costs,
        quality=quality,
        provenance=provenance,
    )
