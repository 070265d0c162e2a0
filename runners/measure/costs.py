"""All costs of a set of contenders, measured together so that their ratios mean something."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias, TypeVar

import numpy as np
import torch

from runners.machine.device_lock import timing
from runners.machine.fingerprint import Fingerprint, fingerprint
from runners.measure.forms.layout import with_layout
from runners.measure.forms.preparation import prepare
from runners.measure.forms.variant import COMPILE, DEPLOY, Contender
from runners.measure.inspection import Examined, examine
from runners.measure.memory.limit import free_memory
from runners.measure.memory.peak import TRAINING_BATCH
from runners.measure.protocol import Protocol
from runners.measure.timing.ladder import Climb, Ladder, climb
from runners.measure.timing.latency import Rounds, Samples
from runners.measure.timing.session import Entrant, Plan, Session, hold
from runners.processes.isolated import alone
from runners.records.errors import UserError, first_line
from runners.records.record import Costs

_THROUGHPUT_ROUNDS = Rounds(most=10, least=3, budget_s=10.0)


class Refused(str):
    """Why there are no costs, where the user's own mistake is the reason."""


Reason: TypeAlias = str
OnStage: TypeAlias = Callable[[str], None]
Found = TypeVar("Found")


def measure(
    contenders: Mapping[str, Contender],
    device: torch.device,
    protocol: Protocol,
    on_stage: OnStage = lambda stage: None,
) -> dict[str, Costs | Reason]:
    """Costs by contender, or the reason in words where one has none.

    Every step runs in fresh processes: a contender that crashes takes nothing with it.

    Args:
        contenders: by name; the first one is the baseline of the precision asked for.
        device: where to run.
        protocol: how.
        on_stage: told what is being measured, in words.
    """
    results: dict[str, Costs | Reason] = {}
    with tempfile.TemporaryDirectory(prefix="lolvit-bench-") as folder:
        on_stage("counting MACs and peak memory")
        examined = _survivors(examine(contenders, device, protocol, Path(folder)), results)
        with timing(device, lambda: on_stage("waiting: the device is being timed or trained on")):
            climbed = _survivors(_climb(examined, device, protocol, on_stage), results)
            entrants = {
                name: Entrant(each.contender, each.prepared, ladder.best.batch)
                for name, (each, ladder) in climbed.items()
            }
            try:
                sessions = _time(entrants, device, protocol, on_stage)
            except Exception as error:
                results |= dict.fromkeys(entrants, _reason(error))
                sessions = []
    machine = fingerprint(device)
    for session in sessions:
        results |= session.failed
    for name, (each, ladder) in climbed.items():
        if name not in results:
            results[name] = _costs(name, each, ladder, sessions, protocol, machine)
    return {name: results[name] for name in contenders}


def _climb(
    examined: Mapping[str, Examined], device: torch.device, protocol: Protocol, on_stage: OnStage
) -> Mapping[str, tuple[Examined, Ladder] | Exception]:
    """The batch of each throughput, and what needs it or a clock: compiling, memory format."""
    found: dict[str, tuple[Examined, Ladder] | Exception] = {}
    plan = Climb(
        batch=protocol.batch,
        largest=protocol.largest_batch,
        to_the_edge=protocol.to_the_edge,
        memory_bytes=protocol.memory_bytes or free_memory(),
    )
    for name, each in examined.items():
        on_stage(f"climbing to the best batch of {name}")
        contender, prepared = each.contender, each.prepared
        try:
            if contender.form == DEPLOY:
                threads = protocol.latency_threads
                prepared = alone(None, with_layout, contender, prepared, device, threads)
            # Each rung would be compiled: a compiled network takes the batch of the eager one.
            climber = Contender(contender.target) if contender.form == COMPILE else contender
            threads = protocol.throughput_threads
            ladder = alone(None, climb, climber, prepared, device, threads, plan)
            if contender.form == COMPILE:
                on_stage(f"compiling {name}")
                threads, batch = protocol.latency_threads, ladder.best.batch
                prepared = alone(None, prepare, contender, device, threads, Path(), batch)
            found[name] = replace(each, prepared=prepared), ladder
        except Exception as error:
            found[name] = error
    return found


def _time(
    entrants: Mapping[str, Entrant], device: torch.device, protocol: Protocol, on_stage: OnStage
) -> list[Session]:
    """Sessions of fresh processes, one after the other; none where nobody takes part."""
    sessions = []
    for number in range(protocol.processes if entrants else 0):
        which = f", process {number + 1} of {protocol.processes}" if protocol.processes > 1 else ""
        on_stage(f"timing in interleaved rounds{which}")
        plan = Plan(
            latency=protocol.latency,
            throughput=_THROUGHPUT_ROUNDS,
            latency_threads=protocol.latency_threads,
            throughput_threads=protocol.throughput_threads,
            energy=number == 0,
            seed=number,
        )
        sessions.append(alone(None, hold, dict(entrants), device, plan))
    return sessions


def _costs(
    name: str,
    each: Examined,
    ladder: Ladder,
    sessions: Sequence[Session],
    protocol: Protocol,
    machine: Fingerprint,
) -> Costs:
    latency = _joined([session.latency.ms[name] for session in sessions])
    throughput = _joined([session.throughput.ms[name] for session in sessions])
    low, high = np.percentile(latency, (25, 75))
    macs, training = each.counted.macs, each.training_peak
    compiled = each.contender.form == COMPILE
    return Costs(
        form=each.contender.form,
        form_note=each.prepared.note,
        form_seconds=each.prepared.seconds,
        parity=each.prepared.parity,
        params=each.counted.params,
        macs=macs.total,
        macs_by_operator=macs.by_operator,
        macs_by_module=macs.by_module,
        macs_uncounted=list(macs.uncounted),
        macs_ptflops=each.counted.macs_ptflops,
        other_ops=macs.other_ops,
        latency_ms_samples=latency,
        latency_rounds=[sum(session.latency.blocks) for session in sessions],
        latency_blocks=[rounds for session in sessions for rounds in session.latency.blocks],
        latency_stopped=_stopped([session.latency for session in sessions]),
        latency_ms_median=float(np.median(latency)),
        latency_ms_min=min(latency),
        latency_ms_iqr=float(high - low),
        latency_threads=protocol.latency_threads,
        throughput_images_per_s=ladder.best.batch / float(np.median(throughput)) * 1e3,
        throughput_batch=ladder.best.batch,
        throughput_threads=protocol.throughput_threads,
        throughput_ladder=[] if compiled or protocol.batch else ladder.rungs,
        out_of_memory_batch=None if compiled else ladder.out_of_memory_batch,
        largest_batch=None if compiled else ladder.largest_batch,
        peak_memory_bytes=each.inference_peak,
        peak_training_memory_bytes=None if isinstance(training, str) else training,
        training_memory_batch=TRAINING_BATCH,
        training_memory_reason=training if isinstance(training, str) else "",
        energy_mj_per_image=sessions[0].energy_mj.get(name),
        energy_source=sessions[0].energy_source,
        fingerprint=machine,
    )


def _joined(parts: Sequence[list[float]]) -> list[float]:
    return [sample for part in parts for sample in part]


def _stopped(parts: Sequence[Samples]) -> str:
    """Why the rounds ended: once where all processes agree."""
    return ", ".join(dict.fromkeys(part.stopped for part in parts))


def _survivors(
    found: Mapping[str, Found | Exception], results: dict[str, Costs | Reason]
) -> dict[str, Found]:
    """What was found; reasons of those without go to the results."""
    results |= {name: _reason(each) for name, each in found.items() if isinstance(each, Exception)}
    return {name: each for name, each in found.items() if not isinstance(each, Exception)}


def _reason(error: Exception) -> Reason:
    return Refused(first_line(error)) if isinstance(error, UserError) else first_line(error)
