"""Probe the first forward pass of a mixer in a process of its own: memory and feasibility."""

from __future__ import annotations

import time
from dataclasses import dataclass

import torch

from runners.measure.memory.limit import is_out_of_memory, limit_memory
from runners.measure.memory.peak import load_kernels, resident_peak
from runners.measure.targets import Target
from runners.processes.isolated import ProcessDied, ProcessTimeout, run_isolated
from runners.records.errors import first_line, named_line
from runners.records.scale_point import PointState

_TIMEOUT_CAPS = 5
"""A process times out after so many times the cap, which includes its start."""
_MIN_TIMEOUT_S = 20.0


@dataclass(frozen=True)
class ProbeResult:
    """The peak memory of one pass, or why it could not be measured."""

    state: PointState
    reason: str = ""
    peak_memory_bytes: int | None = None

    @property
    def measured(self) -> bool:
        return self.state is PointState.MEASURED


def probe_target(
    target: Target, batch: int, threads: int, cap_ms: float, memory_bytes: int
) -> ProbeResult:
    """Run the target once on the CPU, with at most `memory_bytes` above the empty process.

    A second pass is timed, since the first one prepares kernels, and must not exceed `cap_ms`.
    """
    timeout_s = max(_MIN_TIMEOUT_S, _TIMEOUT_CAPS * cap_ms / 1e3)
    try:
        return run_isolated(timeout_s, _run_passes, target, batch, threads, cap_ms, memory_bytes)
    except ProcessTimeout:
        return ProbeResult(PointState.PAST_CAP, f"a pass takes more than {cap_ms:g} ms")
    except ProcessDied as death:
        if death.was_killed:
            return ProbeResult(PointState.OUT_OF_MEMORY, "the system killed its process")
        return ProbeResult(PointState.FAILED, str(death))


def _run_passes(
    target: Target, batch: int, threads: int, cap_ms: float, memory_bytes: int
) -> ProbeResult:
    torch.set_num_threads(threads)
    load_kernels()
    before = resident_peak(reset=True)
    limit_memory(memory_bytes)
    try:
        with torch.inference_mode():
            module, x = target.build().eval(), target.make_input(batch)
            module(x)
            peak = resident_peak() - before
            start = time.perf_counter_ns()
            module(x)
            pass_ms = (time.perf_counter_ns() - start) / 1e6
    except Exception as error:  # an error of the mixer is recorded with the point
        if is_out_of_memory(error):
            return ProbeResult(PointState.OUT_OF_MEMORY, first_line(error))
        return ProbeResult(PointState.FAILED, named_line(error))
    if pass_ms > cap_ms:
        reason = f"a pass takes {pass_ms:.0f} ms, the cap is {cap_ms:g} ms"
        return ProbeResult(PointState.PAST_CAP, reason, peak)
    return ProbeResult(PointState.MEASURED, "", peak)
