"""Measure the costs of any targets, in any forms; nothing is trained."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from runners.jobs.write_report import write_report
from runners.machine.device import check_threads, resolve_device
from runners.machine.fingerprint import fingerprint
from runners.measure.costs import measure_costs
from runners.measure.forms.variant import EAGER, FORMS, FormVariant
from runners.measure.protocol import MeasurementProtocol
from runners.measure.targets import Target
from runners.progress.listener import Watch
from runners.records.errors import UserError
from runners.records.record import Costs, Provenance, Record, State
from runners.records.unavailable import Unavailable
from runners.store import run_folder
from runners.store.study import Study

INPUTS = "standard-normal inputs, random weights: nothing is trained or tested"


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
class Measured:
    """All records, and the lines about targets that were refused through the user's mistake."""

    records: list[Record]
    refusals: list[str]


def measure_targets(job: Measurement, folder: Path, watch: Watch) -> Measured:
    """Measure all targets in all forms together, keep the records, write the report.

    Raises:
        UserError: a name twice, no such form or device, or the folder cannot be used.
    """
    device = resolve_device(job.device)
    check_threads(job.protocol.latency_threads)
    check_threads(job.protocol.throughput_threads)
    variants = _form_variants(job)
    with run_folder.opened(folder):
        plan = {
            "arms": {
                name: {**each.target.identity(), "form": each.form}
                for name, each in variants.items()
            },
            "device": job.device,
            "protocol": asdict(job.protocol),
        }
        try:
            costs = measure_costs(variants, device, job.protocol, watch.stage)
        finally:
            watch.close(folder)
        file = folder / run_folder.STUDY_FILE
        study = Study(file, plan, list(variants), 1, trained=False)
        study.keep_costs(costs)
        machine = fingerprint(device)
        for _ in range(study.enqueue()):
            trial, (name, _) = study.ask()
            study.tell(trial, _record(name, variants[name], costs[name], machine))
        records = study.records()
        write_report(records, folder)
    return Measured(records, _refusals(variants, costs))


def _form_variants(job: Measurement) -> dict[str, FormVariant]:
    """Targets in forms, by the name shown; the form is part of it where there are several."""
    _refuse_twice("target", [target.name for target in job.targets])
    _refuse_twice("form", job.forms)
    for form in job.forms:
        if form not in FORMS:
            raise UserError(f"unknown form {form!r}; known: {', '.join(FORMS)}")
    alone = list(job.forms) == [EAGER]
    return {
        target.name if alone else f"{target.name} [{form}]": FormVariant(target, form)
        for target in job.targets
        for form in job.forms
    }


def _refuse_twice(what: str, names: Sequence[str]) -> None:
    for place, name in enumerate(names):
        if name in names[:place]:
            raise UserError(f"{what} {name!r} is named twice")


def _record(
    name: str,
    variant: FormVariant,
    costs: Costs | Unavailable,
    machine: dict[str, str | int | bool],
) -> Record:
    target, measured = variant.target, isinstance(costs, Costs)
    return Record(
        name=name,
        architecture=target.identity(),
        architecture_hash=target.hash,
        reconstructed=target.reconstructed,
        seed=0,
        state=State.FINISHED if measured else State.FAILED,
        reason="" if isinstance(costs, Costs) else costs.reason,
        costs=costs if isinstance(costs, Costs) else None,
        provenance=Provenance(
            dataset="",
            dataset_checksum="",
            dataset_note=INPUTS,
            resolution=target.shape.height,
            recipe={},
            fingerprint=machine,
        ),
    )


def _refusals(variants: dict[str, FormVariant], costs: dict[str, Costs | Unavailable]) -> list[str]:
    """Each target's reason once, though it may hold for several forms."""
    said: Iterable[str] = (
        f"{variants[name].target.name}: {reason}"
        for name, reason in costs.items()
        if isinstance(reason, Unavailable) and reason.is_user_error
    )
    return list(dict.fromkeys(said))
