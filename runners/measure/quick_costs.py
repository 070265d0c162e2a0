"""The costs that a search needs before it trains an architecture, in about a second."""

from __future__ import annotations

import multiprocessing
from collections.abc import Sequence
from dataclasses import dataclass, replace

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


def time_together(
    architectures: Sequence[LolvitConfig], settings: QuickCosts
) -> list[dict[str, float]]:
    """Time architectures and the reference in the same rounds; the fields of `Costs` of each.

    Waits for exclusive use of the device; takes as long as all of them would one by one.
    """
    device = torch.device(settings.device)
    networks = {f"{index}": network for index, network in enumerate(architectures)}
    with torch.inference_mode(), intra_op_threads(settings.threads):
        factories = {
            name: make_call_factory(
                TimedVariant(_form_variant(name, network), PreparedForm(), 1),
                device,
                settings.threads,
            )
            for name, network in {_REFERENCE: settings.reference, **networks}.items()
        }
        rounds = replace(settings.rounds, budget_s=settings.rounds.budget_s * len(factories))
        with lock_for_timing(device):
            samples = interleave(factories, select_clock(device), rounds)
    return [_latency(name, samples) for name in networks]


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
    return Costs(
        params=counted.params,
        macs=counted.macs,
        **{**latency_fields(_CANDIDATE, [samples]), **_latency(_CANDIDATE, samples)},
        latency_threads=settings.threads,
        peak_memory_bytes=memory,
        fingerprint=fingerprint(torch.device(settings.device)),
    )


def _latency(name: str, samples: Samples) -> dict[str, float]:
    latency, reference = samples.ms[name], samples.ms[_REFERENCE]
    ratio, _, _ = ratio_interval(latency, reference, blocks=samples.blocks, resamples=1)
    return {
        "latency_ms_median": float(np.median(latency)),
        "latency_reference_ms_median": float(np.median(reference)),
        "latency_ratio": float(ratio),
    }
