"""How each mixer alone grows with the map, and from which size on it beats a baseline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

from attention_zoo import MixerError, entry
from lolvit import MixerConfig
from lolvit.plan import heads_for
from runners.measure.costs import timing_lock
from runners.measure.fingerprint import Fingerprint, fingerprint
from runners.measure.latency import Rounds, interleave, intra_op_threads, time_cpu
from runners.measure.probe import MixerCase, Probe, probe
from runners.scale_point import PointState, ScalePoint
from runners.threads import check_threads
from runners.watch import Watch

ROUNDS = Rounds(most=50, least=5, budget_s=4.0)


@dataclass(frozen=True)
class Scaling:
    """What to measure, and where to stop.

    Args:
        mixers: by the name shown.
        widths: channels C.
        sides: of the square maps, ascending.
        heads: heads wanted; fewer where a head would have under 8 channels.
        batch: maps at once.
        threads: CPU threads.
        cap_ms: a mixer whose pass takes longer is marked, and not tried at larger sizes.
        memory_bytes: the same for memory.
    """

    mixers: dict[str, MixerConfig]
    widths: Sequence[int]
    sides: Sequence[int]
    heads: int
    batch: int
    threads: int
    cap_ms: float
    memory_bytes: int


def check(job: Scaling) -> None:
    """Find the user's mistakes before anything is written or measured.

    Raises:
        UserError: more threads than cores.
        MixerError: an option has a value that its mixer does not allow.
    """
    check_threads(job.threads)
    for case in _cases(job, job.widths[0], job.sides[0]).values():
        try:
            with torch.device("meta"):
                case.build()
        except MixerError:
            raise
        except Exception:  # the mixer's own failure: its points will say so
            continue


def scale(job: Scaling, watch: Watch) -> Iterator[list[ScalePoint]]:
    """Measure every mixer at every width and side; what it cannot take becomes a marked point.

    Yields the points of one width and side at a time, so that an interrupt loses no earlier ones.
    """
    machine = fingerprint(torch.device("cpu"))
    for width in job.widths:
        given_up: dict[str, Probe] = {}
        for side in job.sides:
            watch.stage(f"width {width}, map {side} x {side}")
            cases = _cases(job, width, side)
            probes = _probe(job, cases, given_up)
            samples = _time(job, {n: c for n, c in cases.items() if probes[n].measured})
            yield [
                _point(job, name, case, probes[name], samples.get(name, []), machine)
                for name, case in cases.items()
            ]


def free_memory() -> int:
    """Four fifths of the bytes this machine has free, where the system tells; else 8 GB."""
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
    except OSError:
        return 8 * 10**9
    line = next(line for line in text.splitlines() if line.startswith("MemAvailable:"))
    return int(line.split()[1]) * 1024 * 4 // 5


def _cases(job: Scaling, width: int, side: int) -> dict[str, MixerCase]:
    heads = heads_for(width, job.heads)
    return {
        name: MixerCase(mixer, width, heads, job.batch, side) for name, mixer in job.mixers.items()
    }


def _probe(
    job: Scaling, cases: dict[str, MixerCase], given_up: dict[str, Probe]
) -> dict[str, Probe]:
    """First passes, each in its own process; what was too much once is not tried larger."""
    probes = {}
    for name, case in cases.items():
        if name not in given_up:
            probes[name] = probe(case, job.threads, job.cap_ms, job.memory_bytes)
            if probes[name].state in (PointState.OUT_OF_MEMORY, PointState.PAST_CAP):
                reason = f"given up at {case.side} x {case.side}: {probes[name].reason}"
                given_up[name] = Probe(probes[name].state, reason)
        else:
            probes[name] = given_up[name]
    return probes


def _time(job: Scaling, cases: dict[str, MixerCase]) -> dict[str, list[float]]:
    """Interleaved samples in ms of the cases that passed their probe."""
    calls = {name: partial(case.build(), case.input()) for name, case in cases.items()}
    device = torch.device("cpu")
    with timing_lock(device), torch.inference_mode(), intra_op_threads(job.threads):
        return interleave(calls, time_cpu, ROUNDS)


def _point(
    job: Scaling,
    name: str,
    case: MixerCase,
    found: Probe,
    samples: list[float],
    machine: Fingerprint,
) -> ScalePoint:
    return ScalePoint(
        mixer=name,
        reconstructed=entry(case.mixer.name).reconstructed,
        width=case.width,
        heads=case.heads,
        batch=case.batch,
        side=case.side,
        tokens=case.side**2,
        state=found.state,
        reason=found.reason,
        macs=case.macs(),
        peak_memory_bytes=found.peak_memory_bytes,
        latency_ms_samples=samples,
        threads=job.threads,
        fingerprint=machine,
    )
