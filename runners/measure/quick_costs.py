"""The costs that a search needs before it trains an architecture, in about a second."""

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
from runners.measure.costs import latency_fields
from runners.measure.forms.variant import FormVariant, PreparedForm
from runners.measure.memory.peak import inference_peak
from runners.measure.targets import NetworkTarget
from runners.measure.timing.latency import Samples, interleave, intra_op_threads, select_clock
from runners.measure.timing.protocol import Rounds
from runners.measure.timing.session import TimedVariant, make_call_factory
from runners.processes.isolated import run_isolated
from runners.records.record import Costs

_CANDIDATE, _REFERENCE = "candidate", "reference"


@dataclass(frozen=True)
class QuickCosts:
    """Settings for the costs of a trial.

    Args:
        reference: the network that is timed in alternation with every trial.
        device: "cpu" or "cuda".
        threads: CPU threads at batch 1.
        rounds: when to stop timing.
        memory: whether to measure the peak memory of an inference.
    """

    reference: LolvitConfig
    device: str
    threads: int
    rounds: Rounds
    memory: bool


def count_costs(architecture: LolvitConfig) -> Costs:
    """Count MACs and parameters by formula; no network is built."""
    counted = analytic_costs(architecture)
    return Costs(params=counted.params, macs=counted.macs, fingerprint={})


def measure_trial(architecture: LolvitConfig, settings: QuickCosts) -> Costs:
    """Measure MACs, parameters, latency at batch 1 and, optionally, peak memory.

    Waits for exclusive use of the device.
    """
    device = torch.device(settings.device)
    candidate = _form_variant(_CANDIDATE, architecture)
    memory = _peak(candidate, device) if settings.memory else None
    timed_variants = {
        _CANDIDATE: TimedVariant(candidate, PreparedForm(), 1),
        _REFERENCE: TimedVariant(_form_variant(_REFERENCE, settings.reference), PreparedForm(), 1),
    }
    with torch.inference_mode(), intra_op_threads(settings.threads):
        factories = {
            name: make_call_factory(timed, device, settings.threads)
            for name, timed in timed_variants.items()
        }
        with lock_for_timing(device):
            samples = interleave(factories, select_clock(device), settings.rounds)
    return _costs(architecture, samples, settings, memory)


def _peak(candidate: FormVariant, device: torch.device) -> int:
    """Peak memory in a fresh process: this one, where it was started for the trial."""
    if multiprocessing.current_process().daemon:  # it is fresh, and cannot have children
        return inference_peak(candidate, PreparedForm(), device)
    return run_isolated(None, inference_peak, candidate, PreparedForm(), device)


def _form_variant(name: str, architecture: LolvitConfig) -> FormVariant:
    return FormVariant(NetworkTarget(name, architecture, follows_abstract=True))


def _costs(
    architecture: LolvitConfig, samples: Samples, settings: QuickCosts, memory: int | None
) -> Costs:
    counted = analytic_costs(architecture)
    latency, reference = samples.ms[_CANDIDATE], samples.ms[_REFERENCE]
    ratio, _, _ = ratio_interval(latency, reference, blocks=samples.blocks, resamples=1)
    return Costs(
        params=counted.params,
        macs=counted.macs,
        **latency_fields(_CANDIDATE, [samples]),
        latency_threads=settings.threads,
        latency_reference_ms_median=float(np.median(reference)),
        latency_ratio=float(ratio),
        peak_memory_bytes=memory,
        fingerprint=fingerprint(torch.device(settings.device)),
    )
