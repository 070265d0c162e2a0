"""Compare mixers: the same backbone, recipe and seeds for all; only the mixer differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch

from attention_zoo import MixerError
from lolvit import build
from runners.arms import Arm
from runners.data.dataset import Dataset
from runners.engines import local
from runners.evaluate import EvaluationSpec, evaluate, ignore_step, run_here
from runners.evaluators.trained import Images, TrainedEvaluator
from runners.jobs.arm_queue import ArmQueue, open_arm_study, store_costs, stored_costs
from runners.jobs.write_report import write_report
from runners.machine.device import check_threads, resolve_device
from runners.measure.costs import measure_costs
from runners.measure.forms.variant import FormVariant
from runners.measure.targets import NetworkTarget
from runners.measure.timing.protocol import MeasurementProtocol
from runners.progress.listener import Listener
from runners.records.record import Costs, Record
from runners.records.unavailable import Unavailable
from runners.store import open_storage
from runners.store.run_folder import STUDY_FILE, lock_run_folder
from runners.store.study import ENDED, RUN_STUDY, newest_records
from runners.training.recipe import Recipe

_NOT_STORED = (
    "this run was started by a version that did not store the options of its measurements; "
    "its costs are kept, and whether the options of this call are the same is not checked"
)


@dataclass(frozen=True)
class Comparison:
    """What to compare, on what, for how long.

    Args:
        arms: what to compare, the baseline of ratios and differences first.
        dataset: loaded at the resolution to use.
        recipe: how to train; None measures costs only.
        seeds: how many, counted from 0.
        device: "cpu" or "cuda".
        threads: CPU threads of a training; None is 1, which lets as many trainings run at once as
            there are cores.
        protocol: how costs are measured.
        workers: trainings at once; None is one on an accelerator, else as many as the cores feed.
    """

    arms: Sequence[Arm]
    dataset: Dataset
    recipe: Recipe | None
    seeds: int
    device: str
    threads: int | None
    protocol: MeasurementProtocol
    workers: int | None = None


def compare(job: Comparison, folder: Path, listener: Listener) -> list[Record]:
    """Evaluate every arm with every seed that the folder's study lacks, and write the report.

    An interrupted comparison leaves a report of what is finished.

    Raises:
        UserError: the device does not exist, the folder cannot be used, or its study has another
            plan.
        MixerError: an option has a value that its mixer does not allow.
    """
    device = resolve_device(job.device)
    check_threads(job.threads)
    arms = job.arms
    _check_options(arms)
    specs = [
        EvaluationSpec.of_architecture(arm.name, arm.architecture, reconstructed=arm.reconstructed)
        for arm in arms
    ]
    file = folder / STUDY_FILE
    with lock_run_folder(folder), open_storage(file, study=RUN_STUDY) as storage:
        study = open_arm_study(
            storage,
            file,
            _plan(job),
            [arm.name for arm in arms],
            trained=job.recipe is not None,
            may_lack=("protocol",),
        )
        if study.lacks:
            listener.on_note(_NOT_STORED)
        if job.dataset.skipped:
            listener.on_note(f"skipped files of the data set: {job.dataset.skipped}")
        try:
            costs = stored_costs(study)
            if not costs:
                costs = _measure(arms, device, job.protocol, listener)
                store_costs(study, costs)
            evaluators = {arm.name: _evaluator(job, arm, costs[arm.name]) for arm in arms}
            listener.on_costs([_cost_record(spec, evaluators[spec.name]) for spec in specs])
            queue = ArmQueue(study, specs, evaluators, job.seeds, listener)
            workers = job.workers or local.default_processes(device, job.threads or 1)
            local.run(queue, workers, job.protocol.patience_s)
        finally:
            records = newest_records(study.trials(*ENDED), [arm.name for arm in arms])
            if records:
                write_report(records, folder)
            listener.close()
    return records


def _check_options(arms: Sequence[Arm]) -> None:
    """Raise MixerError for a wrong option before anything is written; meta tensors cost nothing.

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
    arms: Sequence[Arm], device: torch.device, protocol: MeasurementProtocol, listener: Listener
) -> dict[str, Costs | Unavailable]:
    variants = {
        arm.name: FormVariant(NetworkTarget(arm.name, arm.architecture, arm.reconstructed))
        for arm in arms
    }
    return measure_costs(variants, device, protocol, listener.on_stage)


def _cost_record(spec: EvaluationSpec, evaluator: TrainedEvaluator) -> Record:
    """A record without quality, for the first table."""
    untrained = replace(evaluator, recipe=None)
    return evaluate(spec, untrained, ignore_step, lambda record: True, run_here)


def _evaluator(job: Comparison, arm: Arm, costs: Costs | Unavailable) -> TrainedEvaluator:
    recipe = None if job.recipe is None else replace(job.recipe, **arm.recipe_changes)
    return TrainedEvaluator(
        images=Images.of_dataset(job.dataset),
        recipe=recipe,
        costs=costs,
        device=job.device,
        threads=job.threads or 1,
    )


def _plan(job: Comparison) -> dict[str, Any]:
    """Everything that decides the results: a resumed run must have the same."""
    protocol = asdict(job.protocol)
    # Of `threads`, and of the cores of the machine: a run may continue on another one.
    del protocol["latency_threads"], protocol["throughput_threads"]
    del protocol["patience_s"]  # decides no number
    changes = {arm.name: dict(arm.recipe_changes) for arm in job.arms if arm.recipe_changes}
    return {
        **({"recipe_changes": changes} if changes else {}),
        "arms": {arm.name: arm.architecture.to_dict() for arm in job.arms},
        "dataset": {"name": job.dataset.name, "checksum": job.dataset.checksum},
        "recipe": job.recipe.to_dict() if job.recipe is not None else None,
        "device": job.device,
        "threads": job.threads,
        "protocol": protocol,
    }
