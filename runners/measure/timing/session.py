"""One fresh process in which all variants take turns: latency, then throughput, then energy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import torch

from runners.machine.energy import measure_energy, open_counter
from runners.measure.forms.forms import make_form
from runners.measure.forms.variant import FormVariant, PreparedForm
from runners.measure.timing.latency import (
    Rounds,
    Samples,
    TimedCall,
    interleave,
    intra_op_threads,
    select_clock,
)
from runners.records.errors import named_line
from runners.records.unavailable import Unavailable


@dataclass(frozen=True)
class TimedVariant:
    """A variant that passed its preparation, and the batch of its throughput."""

    variant: FormVariant
    prepared: PreparedForm
    batch: int


@dataclass(frozen=True)
class SessionPlan:
    """How to time.

    Args:
        latency: rounds at batch 1.
        throughput: rounds at each variant's own batch.
        latency_threads: CPU threads at batch 1.
        throughput_threads: CPU threads at the large batch.
        energy: whether to look for an energy counter.
        seed: of the order of turns; another one in each process.
    """

    latency: Rounds
    throughput: Rounds
    latency_threads: int
    throughput_threads: int
    energy: bool
    seed: int


@dataclass(frozen=True)
class SessionResult:
    """What one process measured, by variant."""

    latency: Samples
    throughput: Samples
    energy_mj: dict[str, float] = field(default_factory=dict)
    energy_source: str = ""
    """The counter, or why there is none."""
    failed: dict[str, str] = field(default_factory=dict)
    """Who could not run here though it ran alone, and why; the others' samples are whole."""


def run_session(
    timed_variants: Mapping[str, TimedVariant], device: torch.device, plan: SessionPlan
) -> SessionResult:
    """Time all timed_variants. To be run in a fresh process that has the device alone."""
    clock = select_clock(device)
    failed: dict[str, str] = {}
    latency_threads, throughput_threads = plan.latency_threads, plan.throughput_threads
    ones = {name: replace(timed_variant, batch=1) for name, timed_variant in timed_variants.items()}
    # Both are made first: who fails at one of them takes part in neither.
    single = _ready(ones, device, latency_threads, failed)
    many = _ready(timed_variants, device, throughput_threads, failed)
    with torch.inference_mode(), intra_op_threads(latency_threads):
        remaining = {name: factory for name, factory in single.items() if name not in failed}
        latency = interleave(remaining, clock, plan.latency, plan.seed)
    with torch.inference_mode(), intra_op_threads(throughput_threads):
        throughput = interleave(many, clock, plan.throughput, plan.seed)
    timed = {name: timed_variants[name] for name in many}
    energy, source = _measure_energy(timed, device, plan) if plan.energy else ({}, "")
    return SessionResult(latency, throughput, energy, source, failed)


def _ready(
    timed_variants: Mapping[str, TimedVariant],
    device: torch.device,
    threads: int,
    failed: dict[str, str],
) -> dict[str, Callable[[], TimedCall]]:
    """What makes the calls of those that run; reasons of the others are added to `failed`."""
    ready = {}
    with torch.inference_mode(), intra_op_threads(threads):
        for name, timed_variant in timed_variants.items():
            if name in failed:
                continue
            try:
                made = make_call_factory(timed_variant, device, threads)
                made()()
            except Exception as error:
                failed[name] = named_line(error)
            else:
                ready[name] = made
    return ready


def make_call_factory(
    timed_variant: TimedVariant, device: torch.device, threads: int
) -> Callable[[], TimedCall]:
    """What makes a call on one random batch, in a new copy where the form allows it."""
    form = make_form(timed_variant.variant, timed_variant.prepared, device, threads)
    x = timed_variant.variant.target.make_input(timed_variant.batch)

    return lambda: partial(form.fresh(), form.adapt(x.clone()))


def _measure_energy(
    timed_variants: Mapping[str, TimedVariant], device: torch.device, plan: SessionPlan
) -> tuple[dict[str, float], str]:
    """Millijoules per image at batch 1, one variant after the other, and their source."""
    counter = open_counter(device)
    if isinstance(counter, Unavailable):
        return {}, counter.reason
    energy_mj, source = {}, counter.source
    with torch.inference_mode(), intra_op_threads(plan.latency_threads):
        for name, timed_variant in timed_variants.items():
            single = replace(timed_variant, batch=1)
            call = make_call_factory(single, device, plan.latency_threads)()
            energy = measure_energy(call, 1, counter)
            if isinstance(energy, Unavailable):
                source = energy.reason
            else:
                energy_mj[name] = energy
    return energy_mj, source
