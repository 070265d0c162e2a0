"""Time all variants in one fresh process: latency, then throughput, then energy."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import torch

from runners.machine.energy import measure_energy, open_counter
from runners.measure.forms.forms import make_form
from runners.measure.forms.variant import FormVariant, PreparedForm
from runners.measure.timing.latency import (
    CallFactory,
    Samples,
    interleave,
    intra_op_threads,
    select_clock,
)
from runners.measure.timing.protocol import MeasurementProtocol, Rounds
from runners.records.errors import named_line
from runners.records.unavailable import Unavailable

THROUGHPUT_ROUNDS = Rounds(most=10, least=3, budget_s=10.0)


@dataclass(frozen=True)
class TimedVariant:
    """A prepared variant, and the batch size of its throughput."""

    variant: FormVariant
    prepared: PreparedForm
    batch: int


@dataclass(frozen=True)
class SessionResult:
    """What one process measured, by variant."""

    latency: Samples
    throughput: Samples
    energy_mj: dict[str, float] = field(default_factory=dict)
    energy_source: str = ""
    """The counter, or why there is none."""
    failed: dict[str, str] = field(default_factory=dict)
    """Why a variant failed here although it ran by itself; the others' samples are complete."""


def run_session(
    timed_variants: Mapping[str, TimedVariant],
    device: torch.device,
    protocol: MeasurementProtocol,
    *,
    throughput_rounds: Rounds = THROUGHPUT_ROUNDS,
    energy: bool = True,
    seed: int = 0,
) -> SessionResult:
    """Time all variants, in a fresh process with exclusive use of the device.

    The protocol has the rounds at batch 1 and the threads; `throughput_rounds` are those at each
    variant's own batch. The seed, of the shuffled orders, differs between processes.
    """
    clock = select_clock(device)
    failed: dict[str, str] = {}
    latency_threads, throughput_threads = protocol.latency_threads, protocol.throughput_threads
    singles = {name: replace(timed, batch=1) for name, timed in timed_variants.items()}
    # Both are made first: a variant that fails in one of them takes part in neither.
    single_calls = _make_factories(singles, device, latency_threads, failed)
    batch_calls = _make_factories(timed_variants, device, throughput_threads, failed)
    single_calls = {name: single_calls[name] for name in batch_calls}
    with torch.inference_mode(), intra_op_threads(latency_threads):
        latency = interleave(single_calls, clock, protocol.latency, seed)
    with torch.inference_mode(), intra_op_threads(throughput_threads):
        throughput = interleave(batch_calls, clock, throughput_rounds, seed)
    remaining = {name: singles[name] for name in batch_calls}
    energy_mj, source = _measure_energy(remaining, device, latency_threads) if energy else ({}, "")
    return SessionResult(latency, throughput, energy_mj, source, failed)


def _make_factories(
    timed_variants: Mapping[str, TimedVariant],
    device: torch.device,
    threads: int,
    failed: dict[str, str],
) -> dict[str, CallFactory]:
    """Call factories of the variants that run; reasons of the others are added to `failed`."""
    factories = {}
    with torch.inference_mode(), intra_op_threads(threads):
        for name, timed_variant in timed_variants.items():
            if name in failed:
                continue
            try:
                factory = make_call_factory(timed_variant, device, threads)
                factory()()
            except Exception as error:
                failed[name] = named_line(error)
            else:
                factories[name] = factory
    return factories


def make_call_factory(
    timed_variant: TimedVariant, device: torch.device, threads: int
) -> CallFactory:
    """Return a factory of calls on one random batch, each of a new copy if the form allows it."""
    form = make_form(timed_variant.variant, timed_variant.prepared, device, threads)
    x = timed_variant.variant.target.make_input(timed_variant.batch)

    return lambda: partial(form.make_call(), form.adapt(x.clone()))


def _measure_energy(
    timed_variants: Mapping[str, TimedVariant], device: torch.device, threads: int
) -> tuple[dict[str, float], str]:
    """Millijoules per image of each variant, one after the other, and their source."""
    counter = open_counter(device)
    if isinstance(counter, Unavailable):
        return {}, counter.reason
    energy_mj, source = {}, counter.source
    with torch.inference_mode(), intra_op_threads(threads):
        for name, timed_variant in timed_variants.items():
            call = make_call_factory(timed_variant, device, threads)()
            energy = measure_energy(call, 1, counter)
            if isinstance(energy, Unavailable):
                source = energy.reason
            else:
                energy_mj[name] = energy
    return energy_mj, source
