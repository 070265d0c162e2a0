"""Measure the costs of any targets, in any forms; nothing is trained."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from runners.engines import local
from runners.evaluate import EvaluationSpec
from runners.evaluators.trained import Images, TrainedEvaluator
from runners.jobs.arm_queue import ArmQueue, open_arm_study, store_costs
from runners.jobs.write_report import write_report
from runners.machine.device import check_threads, resolve_device
from runners.measure.costs import measure_costs
from runners.measure.forms.variant import EAGER, FORMS, FormVariant
from runners.measure.targets import Target
from runners.measure.timing.protocol import MeasurementProtocol
from runners.progress.listener import Listener
from runners.records.errors import UserError
from runners.records.record import Costs, Record
from runners.records.unavailable import Unavailable
from runners.store import open_storage
from runners.store.run_folder import STUDY_FILE, lock_run_folder
from runners.store.study import ENDED, RUN_STUDY, newest_records

_INPUTS = Images("", "", "standard-normal inputs, random weights: nothing is trained or tested")


@dataclass(frozen=True)
class Measurement:
    """What to measure, and how.

    Args:
        targets: the first one, in the first form, is the baseline of ratios.
        forms: of "eager", "deploy", "compile", "onnx".
        device: "cpu" or "cuda".
        protocol: of the measurement.
    """

    targets: Sequence[Target]
    forms: Sequence[str]
    device: str
    protocol: MeasurementProtocol


@dataclass(frozen=True)
class MeasurementResult:
    """All records, and a line about each target that was refused for a mistake of the user."""

    records: list[Record]
    refusals: list[str]


def measure_targets(job: Measurement, folder: Path, listener: Listener) -> MeasurementResult:
    """Measure all targets in all forms together, store the records, write the report.

    Raises:
        UserError: a target twice, no such form or device, or the folder cannot be used.
    """
    device = resolve_device(job.device)
    check_threads(job.protocol.latency_threads)
    check_threads(job.protocol.throughput_threads)
    variants = _form_variants(job)
    names = list(variants)
    plan = {
        "arms": {
            name: {**variant.target.identity(), "form": variant.form}
            for name, variant in variants.items()
        },
        "device": job.device,
        "protocol": asdict(job.protocol),
    }
    file = folder / STUDY_FILE
    with lock_run_folder(folder):
        try:
            costs = measure_costs(variants, device, job.protocol, listener.on_stage)
        finally:
            listener.close()
        with open_storage(file, study=RUN_STUDY) as storage:
            study = open_arm_study(storage, file, plan, names, trained=False)
            store_costs(study, costs)
            specs = [_spec(name, variant.target) for name, variant in variants.items()]
            evaluators = {name: _evaluator(job, cost) for name, cost in costs.items()}
            local.run(ArmQueue(study, specs, evaluators, 1, Listener()), processes=1)
            records = newest_records(study.trials(*ENDED), names)
        write_report(records, folder)
    return MeasurementResult(records, _refusals(variants, costs))


def _form_variants(job: Measurement) -> dict[str, FormVariant]:
    """Targets in forms, by the name in tables; the form is part of it where there are several."""
    _check_unique("target", [target.name for target in job.targets])
    _check_unique("form", job.forms)
    for form in job.forms:
        if form not in FORMS:
            raise UserError(f"unknown form {form!r}; available: {', '.join(FORMS)}")
    first: dict[str, str] = {}
    for target in job.targets:
        same = first.setdefault(target.hash, target.name)
        if same != target.name:
            raise UserError(
                f"target {target.name!r} is the same network as {same!r}; leave one of them out"
            )
    eager_only = list(job.forms) == [EAGER]
    return {
        target.name if eager_only else f"{target.name} [{form}]": FormVariant(target, form)
        for target in job.targets
        for form in job.forms
    }


def _check_unique(kind: str, names: Sequence[str]) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise UserError(f"{kind} {name!r} is named twice")


def _spec(name: str, target: Target) -> EvaluationSpec:
    return EvaluationSpec(
        name=name,
        architecture=target.identity(),
        architecture_hash=target.hash,
        resolution=target.shape.height,
        reconstructed=target.reconstructed,
    )


def _evaluator(job: Measurement, costs: Costs | Unavailable) -> TrainedEvaluator:
    return TrainedEvaluator(_INPUTS, None, costs, job.device, threads=None)


def _refusals(
    variants: Mapping[str, FormVariant], costs: Mapping[str, Costs | Unavailable]
) -> list[str]:
    """The reason for each target once, though it may hold for several forms."""
    refusals = (
        f"{variants[name].target.name}: {reason}"
        for name, reason in costs.items()
        if isinstance(reason, Unavailable) and reason.is_user_error
    )
    return list(dict.fromkeys(refusals))
