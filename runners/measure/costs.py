"""Measure all costs of a set of variants together, so that their ratios are meaningful."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import numpy as np
import torch

from runners.machine.device_lock import lock_for_timing
from runners.machine.fingerprint import Fingerprint, fingerprint
from runners.measure.forms.preparation import prepare_form
from runners.measure.forms.variant import COMPILE, DEPLOY, FormVariant
from runners.measure.inspection import Inspection, inspect_variants
from runners.measure.memory.limit import free_memory
from runners.measure.memory.peak import TRAINING_BATCH
from runners.measure.timing.ladder import Ladder, climb_ladder
from runners.measure.timing.latency import Samples
from runners.measure.timing.memory_format import choose_memory_format
from runners.measure.timing.protocol import MeasurementProtocol
from runners.measure.timing.session import SessionResult, TimedVariant, run_session
from runners.processes.isolated import run_isolated
from runners.records.errors import UserError, first_line
from runners.records.record import Costs
from runners.records.unavailable import Unavailable

OnStage: TypeAlias = Callable[[str], None]
Value = TypeVar("Value")


def measure_costs(
    variants: Mapping[str, FormVariant],
    device: torch.device,
    protocol: MeasurementProtocol,
    on_stage: OnStage = lambda stage: None,
) -> dict[str, Costs | Unavailable]:
    """Return the costs of each variant, or why they are unavailable.

    Every step runs in fresh processes: a variant that crashes affects no other.

    Args:
        variants: by name; the first one is the baseline of the requested precision.
        device: where to run.
        protocol: how to measure.
        on_stage: called with a description of each stage.
    """
    results: dict[str, Costs | Unavailable] = {}
    protocol = replace(protocol, memory_bytes=protocol.memory_bytes or free_memory())
    with tempfile.TemporaryDirectory(prefix="lolvit-bench-") as folder:
        on_stage("counting MACs and peak memory")
        inspections = _drop_failed(
            inspect_variants(variants, device, protocol, Path(folder)), results
        )
        with lock_for_timing(
            device, lambda: on_stage("waiting: the device is being timed or trained on")
        ):
            climbed = _drop_failed(_climb(inspections, device, protocol, on_stage), results)
            timed_variants = {
                name: TimedVariant(inspection.variant, inspection.prepared, ladder.best.batch)
                for name, (inspection, ladder) in climbed.items()
            }
            try:
                sessions = _time(timed_variants, device, protocol, on_stage)
            except Exception as error:
                results |= dict.fromkeys(timed_variants, _unavailable(error))
                sessions = []
    machine = fingerprint(device)
    for session in sessions:
        results |= {name: Unavailable(reason) for name, reason in session.failed.items()}
    for name, (inspection, ladder) in climbed.items():
        if name not in results:
            results[name] = _costs(name, inspection, ladder, sessions, protocol, machine)
    return {name: results[name] for name in variants}


def _climb(
    inspections: Mapping[str, Inspection],
    device: torch.device,
    protocol: MeasurementProtocol,
    on_stage: OnStage,
) -> Mapping[str, tuple[Inspection, Ladder] | Exception]:
    """Find each throughput's batch, and prepare what depends on it: compiling, memory format."""
    results: dict[str, tuple[Inspection, Ladder] | Exception] = {}
    patience_s = protocol.patience_s
    for name, inspection in inspections.items():
        on_stage(f"finding the best batch size of {name}")
        variant, prepared = inspection.variant, inspection.prepared
        try:
            if variant.form == DEPLOY:
                threads = protocol.latency_threads
                prepared = run_isolated(
                    patience_s, choose_memory_format, variant, prepared, device, threads
                )
            # Compiling every rung takes too long: a compiled network uses the eager one's batch.
            climber = FormVariant(variant.target) if variant.form == COMPILE else variant
            ladder = run_isolated(patience_s, climb_ladder, climber, prepared, device, protocol)
            if variant.form == COMPILE:
                on_stage(f"compiling {name}")
                threads, batch = protocol.latency_threads, ladder.best.batch
                prepared = run_isolated(
                    patience_s, prepare_form, variant, device, threads, Path(), batch
                )
            results[name] = replace(inspection, prepared=prepared), ladder
        except Exception as error:
            results[name] = error
    return results


def _time(
    timed_variants: Mapping[str, TimedVariant],
    device: torch.device,
    protocol: MeasurementProtocol,
    on_stage: OnStage,
) -> list[SessionResult]:
    """Run sessions in fresh processes, one after the other; none without variants."""
    sessions = []
    timeout_s = protocol.latency.budget_s + protocol.patience_s * len(timed_variants)
    for number in range(protocol.processes if timed_variants else 0):
        suffix = f", process {number + 1} of {protocol.processes}" if protocol.processes > 1 else ""
        on_stage(f"timing in interleaved rounds{suffix}")
        run = partial(run_session, energy=number == 0, seed=number)
        sessions.append(run_isolated(timeout_s, run, dict(timed_variants), device, protocol))
    return sessions


def _costs(
    name: str,
    inspection: Inspection,
    ladder: Ladder,
    sessions: Sequence[SessionResult],
    protocol: MeasurementProtocol,
    machine: Fingerprint,
) -> Costs:
    throughput = [ms for session in sessions for ms in session.throughput.ms[name]]
    macs, training = inspection.counted.macs, inspection.training_peak
    compiled = inspection.variant.form == COMPILE
    return Costs(
        form=inspection.variant.form,
        form_note=inspection.prepared.note,
        form_seconds=inspection.prepared.seconds,
        parity=inspection.prepared.parity,
        params=inspection.counted.params,
        macs=macs.total,
        macs_by_operator=macs.by_operator,
        macs_by_module=macs.by_module,
        macs_uncounted=list(macs.uncounted),
        macs_range=list(inspection.counted.macs_range),
        multiplications=macs.multiplications,
        macs_ptflops=inspection.counted.macs_ptflops,
        other_ops=macs.other_ops,
        **latency_fields(name, [session.latency for session in sessions]),
        latency_threads=protocol.latency_threads,
        throughput_images_per_s=ladder.best.batch / float(np.median(throughput)) * 1e3,
        throughput_batch=ladder.best.batch,
        throughput_threads=protocol.throughput_threads,
        throughput_ladder=[] if compiled or protocol.batch else ladder.rungs,
        out_of_memory_batch=None if compiled else ladder.out_of_memory_batch,
        largest_batch=None if compiled else ladder.largest_batch,
        peak_memory_bytes=inspection.inference_peak,
        peak_training_memory_bytes=None if isinstance(training, Unavailable) else training,
        training_memory_batch=TRAINING_BATCH,
        training_memory_reason=training.reason if isinstance(training, Unavailable) else "",
        energy_mj_per_image=sessions[0].energy_mj.get(name),
        energy_source=sessions[0].energy_source,
        fingerprint=machine,
    )


def latency_fields(name: str, sessions: Sequence[Samples]) -> dict[str, Any]:
    """The fields `latency_...` of `Costs` for one variant that was timed in these sessions."""
    latency = [ms for session in sessions for ms in session.ms[name]]
    low, high = np.percentile(latency, (25, 75))
    return {
        "latency_ms_samples": latency,
        "latency_rounds": [sum(session.blocks) for session in sessions],
        "latency_blocks": [rounds for session in sessions for rounds in session.blocks],
        # Once if all processes agree.
        "latency_stopped": ", ".join(dict.fromkeys(session.stopped for session in sessions)),
        "latency_ms_median": float(np.median(latency)),
        "latency_ms_min": min(latency),
        "latency_ms_iqr": float(high - low),
    }


def _drop_failed(
    outcomes: Mapping[str, Value | Exception], results: dict[str, Costs | Unavailable]
) -> dict[str, Value]:
    """Return the values; the reasons of the failed ones are added to `results`."""
    values = {}
    for name, outcome in outcomes.items():
        if isinstance(outcome, Exception):
            results[name] = _unavailable(outcome)
        else:
            values[name] = outcome
    return values


def _unavailable(error: Exception) -> Unavailable:
    return Unavailable(first_line(error), isinstance(error, UserError))
