"""Architecture + budget -> record: the heart of the suite."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from lolvit import Architecture, build
from runners.arms import Arm
from runners.data.dataset import Dataset
from runners.machine.fingerprint import fingerprint
from runners.measure.timing.latency import intra_op_threads
from runners.records.errors import UserError
from runners.records.record import Costs, Provenance, Quality, Record, State
from runners.records.unavailable import Unavailable
from runners.training.loop import train
from runners.training.recipe import Recipe
from runners.training.trainer import OnStep, ignore_step


@dataclass(frozen=True)
class Budget:
    """What an evaluation may use; `recipe=None` means costs alone."""

    dataset: Dataset
    recipe: Recipe | None
    device: torch.device
    threads: int


def evaluate(
    arm: Arm,
    seed: int,
    budget: Budget,
    costs: Costs | Unavailable,
    on_step: OnStep = ignore_step,
) -> Record:
    """Train and test one arm with one seed, beside the costs measured for all arms together.

    Costs that are unavailable are the arm's failure.
    Whatever goes wrong inside the arm becomes a record in state failed, with the reason.

    Raises:
        UserError: the data or the machine is at fault, not the arm.
    """
    if isinstance(costs, Unavailable):
        return failure(arm, seed, budget, costs, reason=costs.reason)
    quality = None
    try:
        if budget.recipe is not None:
            quality = _train(arm.architecture, seed, budget, budget.recipe, on_step)
    except UserError:
        raise
    except Exception as error:  # an arm that fails must not take the others with it
        reason = f"{type(error).__name__}: {error}".splitlines()[0]
        return failure(arm, seed, budget, costs, reason)
    return _record(arm, seed, budget, costs, State.FINISHED, quality=quality)


def failure(arm: Arm, seed: int, budget: Budget, costs: Costs | Unavailable, reason: str) -> Record:
    """The record of an arm that ended without a result, for a reason of one line."""
    return _record(arm, seed, budget, costs, State.FAILED, reason=reason)


def _record(
    arm: Arm,
    seed: int,
    budget: Budget,
    costs: Costs | Unavailable,
    state: State,
    *,
    reason: str = "",
    quality: Quality | None = None,
) -> Record:
    return Record(
        name=arm.name,
        architecture=arm.architecture.to_dict(),
        architecture_hash=arm.architecture.hash,
        reconstructed=arm.reconstructed,
        seed=seed,
        state=state,
        reason=reason,
        costs=costs if isinstance(costs, Costs) else None,
        quality=quality,
        provenance=Provenance(
            dataset=budget.dataset.name,
            dataset_checksum=budget.dataset.checksum,
            dataset_note=budget.dataset.note,
            resolution=arm.architecture.resolution,
            recipe=budget.recipe.to_dict() if budget.recipe is not None else {},
            fingerprint={**fingerprint(budget.device), "train_threads": budget.threads},
        ),
    )


def _train(
    architecture: Architecture, seed: int, budget: Budget, recipe: Recipe, on_step: OnStep
) -> Quality:
    network = build(architecture, seed=seed)
    with intra_op_threads(budget.threads):
        result = train(
            network, budget.dataset, recipe, seed=seed, device=budget.device, on_step=on_step
        )
    return result.quality
