"""Measure how time, MACs and memory of single mixers grow with the size of the map."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import torch

from attention_zoo import MixerError
from lolvit import MixerConfig
from lolvit.plan import heads_for
from runners.machine.device import check_threads
from runners.machine.device_lock import lock_for_timing
from runners.machine.fingerprint import Fingerprint, fingerprint
from runners.measure.forms.forms import make_form
from runners.measure.forms.variant import FormVariant, PreparedForm
from runners.measure.memory.probe import ProbeResult, probe_target
from runners.measure.targets import MixerTarget
from runners.measure.timing.latency import (
    Samples,
    TimedCall,
    interleave,
    intra_op_threads,
    time_cpu,
)
from runners.measure.timing.protocol import Rounds
from runners.progress.listener import Listener
from runners.records.scale_point import PointState, ScalePoint

ROUNDS = Rounds(most=50, least=5, budget_s=4.0)


@dataclass(frozen=True)
class ScalingJob:
    """What to measure, and where to stop.

    Args:
        mixers: by their name in table and figure.
        widths: channels C.
        sides: of the square maps, ascending.
        heads: requested; fewer where a head would have under 8 channels.
        batch: maps per pass.
        threads: CPU threads.
        cap_ms: a mixer whose pass takes longer is not measured at this and larger sizes.
        memory_bytes: a mixer whose pass needs more is not measured at this and larger sizes.
    """

    mixers: dict[str, MixerConfig]
    widths: Sequence[int]
    sides: Sequence[int]
    heads: int
    batch: int
    threads: int
    cap_ms: float
    memory_bytes: int


def check(job: ScalingJob) -> None:
    """Refuse invalid settings before anything is written or measured.

    Raises:
        UserError: more threads than cores.
        MixerError: an option of a mixer has an invalid value.
    """
    check_threads(job.threads)
    for target in _targets(job, job.widths[0], job.sides[0]).values():
        try:
            with torch.device("meta"):
                target.build()
        except MixerError:
            raise
        except Exception:  # the mixer's own failure: its points report it
            continue


def scale(job: ScalingJob, listener: Listener) -> Iterator[list[ScalePoint]]:
    """Measure every mixer at every width and side; one that fails becomes a point with a reason.

    Yields the points of one width and side at a time, so that an interrupt loses no earlier ones.
    """
    machine = fingerprint(torch.device("cpu"))
    for width in job.widths:
        stopped: dict[str, ProbeResult] = {}
        for side in job.sides:
            listener.on_stage(f"width {width}, map {side} x {side}")
            targets = _targets(job, width, side)
            probes = _probe(job, targets, stopped)
            measured = {name: targets[name] for name in targets if probes[name].measured}
            samples = _time(job, measured) if measured else Samples({})
            yield [
                _point(job, name, target, probes[name], samples, machine)
                for name, target in targets.items()
            ]


def _targets(job: ScalingJob, width: int, side: int) -> dict[str, MixerTarget]:
    heads = heads_for(width, job.heads)
    return {
        name: MixerTarget(name, mixer, width, heads, side) for name, mixer in job.mixers.items()
    }


def _probe(
    job: ScalingJob, targets: dict[str, MixerTarget], stopped: dict[str, ProbeResult]
) -> dict[str, ProbeResult]:
    """First passes in processes of their own; `stopped` mixers are not tried again."""
    probes = dict(stopped)
    for name, target in targets.items():
        if name in stopped:
            continue
        probe = probe_target(target, job.batch, job.threads, job.cap_ms, job.memory_bytes)
        if probe.state in (PointState.OUT_OF_MEMORY, PointState.PAST_CAP):
            reason = f"stopped at {target.side} x {target.side}: {probe.reason}"
            stopped[name] = ProbeResult(probe.state, reason)
        probes[name] = probe
    return probes


def _time(job: ScalingJob, targets: dict[str, MixerTarget]) -> Samples:
    """Interleaved samples in ms of the mixers that passed their probe."""
    device = torch.device("cpu")
    with lock_for_timing(device), torch.inference_mode(), intra_op_threads(job.threads):
        calls = {name: partial(_make_call, target, job.batch) for name, target in targets.items()}
        return interleave(calls, time_cpu, ROUNDS)


def _make_call(target: MixerTarget, batch: int) -> TimedCall:
    form = make_form(FormVariant(target), PreparedForm(), torch.device("cpu"), threads=1)
    return partial(form.make_call(), form.adapt(target.make_input(batch)))


def _point(
    job: ScalingJob,
    name: str,
    target: MixerTarget,
    probe: ProbeResult,
    samples: Samples,
    machine: Fingerprint,
) -> ScalePoint:
    return ScalePoint(
        mixer=name,
        reconstructed=target.reconstructed,
        width=target.width,
        heads=target.heads,
        batch=job.batch,
        side=target.side,
        tokens=target.side**2,
        state=probe.state,
        reason=probe.reason,
        macs=_macs(target),
        peak_memory_bytes=probe.peak_memory_bytes,
        latency_ms_samples=samples.ms.get(name, []),
        threads=job.threads,
        fingerprint=machine,
    )


def _macs(target: MixerTarget) -> int | None:
    """Of one map; None where the mixer cannot be built."""
    try:
        with torch.device("meta"):
            return target.macs_by_formula(target.build(), target.shape)
    except Exception:  # the probe reports why
        return None
