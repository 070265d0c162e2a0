"""What a search needs to know of an architecture before it trains it, in about a second."""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass

import numpy as np
import torch

from lolvit import LolvitConfig
from lolvit.analytic import analytic
from reports.statistics.intervals import ratio_interval
from runners.machine.device_lock import timing
from runners.machine.fingerprint import fingerprint
from runners.measure.forms.variant import Contender, Prepared
from runners.measure.memory.peak import inference_peak
from runners.measure.targets import NetworkTarget
from runners.measure.timing.latency import Rounds, Samples, clock_of, interleave, intra_op_threads
from runners.measure.timing.session import Entrant, fresh
from runners.processes.isolated import alone
from runners.records.record import Costs

_CANDIDATE, _REFERENCE = "candidate", "reference"


@dataclass(frozen=True)
class Brief:
    """How to time a trial.

    Args:
        reference: the network that takes turns with each trial, always the same.
        device: "cpu" or "cuda".
        threads: CPU threads at batch 1.
        rounds: when to stop.
        memory: whether the peak memory of an inference is measured too.
    """

    reference: LolvitConfig
    device: str
    threads: int
    rounds: Rounds
    memory: bool


def count(architecture: LolvitConfig) -> Costs:
    """MACs and parameters alone, by formula; no network is built."""
    found = analytic(architecture)
    return Costs(params=found.params, macs=found.macs, fingerprint={})


def measure_briefly(architecture: LolvitConfig, brief: Brief) -> Costs:
    """MACs, parameters, latency at batch 1 and, if wanted, peak memory of one architecture.

    Waits until it has the device alone.
    """
    device = torch.device(brief.device)
    candidate = _contender(_CANDIDATE, architecture)
    memory = _peak(candidate, device) if brief.memory else None
    entrants = {
        _CANDIDATE: Entrant(candidate, Prepared(), 1),
        _REFERENCE: Entrant(_contender(_REFERENCE, brief.reference), Prepared(), 1),
    }
    with torch.inference_mode(), intra_op_threads(brief.threads):
        ready = {name: fresh(each, device, brief.threads) for name, each in entrants.items()}
        with timing(device):
            samples = interleave(ready, clock_of(device), brief.rounds)
    return _costs(architecture, samples, brief, memory)


def _peak(candidate: Contender, device: torch.device) -> int:
    """Measured in a process that did nothing before: this one, where it was made for the trial."""
    if multiprocessing.current_process().daemon:  # it may have no children, and is fresh
        return inference_peak(candidate, Prepared(), device)
    return alone(None, inference_peak, candidate, Prepared(), device)


def _contender(name: str, architecture: LolvitConfig) -> Contender:
    return Contender(NetworkTarget(name, architecture, follows_abstract=True))


def _costs(architecture: LolvitConfig, samples: Samples, brief: Brief, memory: int | None) -> Costs:
    counted = analytic(architecture)
    latency, reference = samples.ms[_CANDIDATE], samples.ms[_REFERENCE]
    low, high = np.percentile(latency, (25, 75))
    ratio, _, _ = ratio_interval(latency, reference, blocks=samples.blocks, resamples=1)
    return Costs(
        params=counted.params,
        macs=counted.macs,
        latency_ms_samples=latency,
        latency_rounds=[len(latency)],
        latency_blocks=samples.blocks,
        latency_stopped=samples.stopped,
        latency_ms_median=float(np.median(latency)),
        latency_ms_min=min(latency),
        latency_ms_iqr=float(high - low),
        latency_threads=brief.threads,
        latency_reference_ms_median=float(np.median(reference)),
        latency_ratio=float(ratio),
        peak_memory_bytes=memory,
        fingerprint=fingerprint(torch.device(brief.device)),
    )
