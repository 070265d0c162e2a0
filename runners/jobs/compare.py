"""Compare mixers: the same backbone, recipe and seeds for all; only the mixer differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from attention_zoo import MixerError
from lolvit import build
from runners.arms import Arm, ImageKind, resolve
from runners.data.dataset import Dataset
from runners.engines import local
from runners.evaluate import Budget, evaluate
from runners.jobs.arm_queue import ArmQueue
from runners.jobs.write_report import write_report
from runners.machine.device import check_threads, resolve_device
from runners.measure.costs import measure_costs
from runners.measure.forms.variant import FormVariant
from runners.measure.protocol import MeasurementProtocol
from runners.measure.targets import NetworkTarget
from runners.progress.listener import Watch
from runners.records.record import Costs, Record
from runners.records.unavailable import Unavailable
from runners.store import run_folder
from runners.store.study import Study
from runners.training.recipe import Recipe


@dataclass(frozen=True)
class Comparison:
    """What to compare, on what, for how long.

    Args:
        names: arms as typed, the baseline of ratios first.
        host: the variant that hosts the mixers; None picks one for the resolution.
        dataset: loaded at the resolution to use.
        recipe: how to train; None measures costs alone.
        seeds: how many, counted from 0.
        device: "cpu" or "cuda".
        threads: CPU threads of a training; None is 1, which lets as many trainings run at once as
            there are cores.
        protocol: how costs are measured.
    """

    names: Sequence[str]
    host: str | None
    dataset: Dataset
    recipe: Recipe | None
    seeds: int
    device: str
    threads: int | None
    protocol: MeasurementProtocol


def compare(job: Comparison, folder: Path, *, resume: bool, watch: Watch) -> list[Record]:
    """Evaluate every arm x seed that the folder's study lacks, and write the report.

    An interrupted comparison leaves a report of what is finished before the interrupt goes on.

    Raises:
        UserError: the device is not there, the folder cannot be used, or belongs to another plan.
        MixerError: an option has a value that its mixer does not allow.
    """
    device = resolve_device(job.device)
    check_threads(job.threads)
    dataset = job.dataset
    image = ImageKind(dataset.resolution, dataset.channels, dataset.num_classes)
    arms = resolve(job.names, job.host, image)
    _refuse_bad_options(arms)
    budget = Budget(dataset, job.recipe, device, job.threads or 1)
    with run_folder.opened(folder):
        names = [arm.name for arm in arms]
        study = Study(
            folder / run_folder.STUDY_FILE,
            _plan(job, arms),
            names,
            job.seeds,
            trained=job.recipe is not None,
        )
        try:
            costs = study.costs or _measure(study, arms, budget, job.protocol, watch)
            glimpse = replace(budget, recipe=None)
            watch.costs([evaluate(arm, 0, glimpse, costs[arm.name]) for arm in arms])
            queue = ArmQueue(study, arms, budget, costs, watch)
            local.run(queue, local.default_processes(device, budget.threads))
        finally:
            records = study.records()
            if records:
                write_report(records, folder)
            watch.close(folder)
    return records


def _refuse_bad_options(arms: Sequence[Arm]) -> None:
    """Raise MixerError for a mistyped option before anything is written; meta tensors cost nothing.

    Any other error is the mixer's own and will be that arm's failure.
    """
    for arm in arms:
        try:
            with torch.device("meta"):
                build(arm.architecture)
        except MixerError:
            raise
        except Exception:  # reported with the arm's costs
            continue


def _measure(
    study: Study, arms: Sequence[Arm], budget: Budget, protocol: MeasurementProtocol, watch: Watch
) -> dict[str, Costs | Unavailable]:
    variants = {
        arm.name: FormVariant(NetworkTarget(arm.name, arm.architecture, arm.reconstructed))
        for arm in arms
    }
    costs = measure_costs(variants, budget.device, protocol, watch.stage)
    study.keep_costs(costs)
    return costs


def _plan(job: Comparison, arms: Sequence[Arm]) -> dict[str, Any]:
    """Everything that decides the results: a resumed run must have the same."""
    return {
        "arms": {arm.name: arm.architecture.to_dict() for arm in arms},
        "dataset": {"name": job.dataset.name, "checksum": job.dataset.checksum},
        "recipe": job.recipe.to_dict() if job.recipe is not None else None,
        "device": job.device,
        "threads": job.threads,
    }
