"""What a search needs to know of an architecture before it trains it, in about a second."""

from __future__ import annotations

import multiprocessing
from dataclasses import dataclass

import numpy as np
import torch

from lolvit import LolvitConfig
from lolvit.analytic import analytic_costs
from reports.statistics.ratios import ratio_interval
from runners.machine.device_lock import lock_for_timing
from runners.machine.fingerprint import fingerprint
from runners.measure.forms.variant import FormVariant, PreparedForm
from runners.measure.memory.peak import inference_peak
from runners.measure.targets import NetworkTarget
from runners.measure.timing.latency import (
    Rounds,
    Samples,
    interleave,
    intra_op_threads,
    select_clock,
)
from runners.measure.timing.session import TimedVariant, make_call_factory
from runners.processes.isolated import run_isolated
from runners.records.record import Costs

_CANDIDATE, _REFERENCE = "candidate", "reference"


@dataclass(frozen=True)
class QuickCosts:
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


def count_costs(architecture: LolvitConfig) -> Costs:
    """MACs and parameters alone, by formula; no network is built."""
    found = analytic_costs(architecture)
    return Costs(params=found.params, macs=found.macs, fingerprint={})


def measure_trial(architecture: LolvitConfig, brief: QuickCosts) -> Costs:
    """MACs, parameters, latency at batch 1 and, if wanted, peak memory of one architecture.

    Waits until it has the device alone.
    """
    device = torch.device(brief.device)
    candidate = _form_variant(_CANDIDATE, architecture)
    memory = _peak(candidate, device) if brief.memory else None
    timed_variants = {
        _CANDIDATE: TimedVariant(candidate, PreparedForm(), 1),
        _REFERENCE: TimedVariant(_form_variant(_REFERENCE, brief.reference), PreparedForm(), 1),
    }
    with torch.inference_mode(), intra_op_threads(brief.threads):
        ready = {
            name: make_call_factory(each, device, brief.threads)
            for name, each in timed_variants.items()
        }
        with lock_for_timing(device):
            samples = interleave(ready, select_clock(device), brief.rounds)
    return _costs(architecture, samples, brief, memory)


def _peak(candidate: FormVariant, device: torch.device) -> int:
    """Measured in a process that did nothing before: this one, where it was made for the trial."""
    if multiprocessing.current_process().daemon:  # it may have no children, and is fresh
        return inference_peak(candidate, PreparedForm(), device)
    return run_isolated(None, inference_peak, candidate, PreparedForm(), device)


def _form_variant(name: str, architecture: LolvitConfig) -> FormVariant:
    return FormVariant(NetworkTarget(name, architecture, follows_abstract=True))


def _costs(
    architecture: LolvitConfig, samples: Samples, brief: QuickCosts, memory: int | None
) -> Costs:
    counted = analytic_costs(architecture)
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
