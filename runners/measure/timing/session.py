"""One fresh process in which all contenders take turns: latency, then throughput, then energy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

import torch

from runners.machine.energy import EnergyCounter, counter, measure_energy
from runners.measure.forms.forms import opened
from runners.measure.forms.variant import Contender, Prepared
from runners.measure.timing.latency import (
    Call,
    Rounds,
    Samples,
    clock_of,
    interleave,
    intra_op_threads,
)
from runners.records.errors import named_line


@dataclass(frozen=True)
class Entrant:
    """A contender that passed its preparation, and the batch of its throughput."""

    contender: Contender
    prepared: Prepared
    batch: int


@dataclass(frozen=True)
class Plan:
    """How to time.

    Args:
        latency: rounds at batch 1.
        throughput: rounds at each contender's own batch.
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
class Session:
    """What one process measured, by contender."""

    latency: Samples
    throughput: Samples
    energy_mj: dict[str, float] = field(default_factory=dict)
    energy_source: str = ""
    """The counter, or why there is none."""
    failed: dict[str, str] = field(default_factory=dict)
    """Who could not run here though it ran alone, and why; the others' samples are whole."""


def hold(entrants: Mapping[str, Entrant], device: torch.device, plan: Plan) -> Session:
    """Time all entrants. To be run in a fresh process that has the device alone."""
    clock = clock_of(device)
    failed: dict[str, str] = {}
    latency_threads, throughput_threads = plan.latency_threads, plan.throughput_threads
    ones = {name: replace(entrant, batch=1) for name, entrant in entrants.items()}
    # Both are made first: who fails at one of them takes part in neither.
    single = _ready(ones, device, latency_threads, failed)
    many = _ready(entrants, device, throughput_threads, failed)
    with torch.inference_mode(), intra_op_threads(latency_threads):
        alone = {name: fresh for name, fresh in single.items() if name not in failed}
        latency = interleave(alone, clock, plan.latency, plan.seed)
    with torch.inference_mode(), intra_op_threads(throughput_threads):
        throughput = interleave(many, clock, plan.throughput, plan.seed)
    timed = {name: entrants[name] for name in many}
    energy, source = _energy(timed, device, plan) if plan.energy else ({}, "")
    return Session(latency, throughput, energy, source, failed)


def _ready(
    entrants: Mapping[str, Entrant], device: torch.device, threads: int, failed: dict[str, str]
) -> dict[str, Callable[[], Call]]:
    """What makes the calls of those that run; reasons of the others are added to `failed`."""
    ready = {}
    with torch.inference_mode(), intra_op_threads(threads):
        for name, entrant in entrants.items():
            if name in failed:
                continue
            try:
                made = fresh(entrant, device, threads)
                made()()
            except Exception as error:
                failed[name] = named_line(error)
            else:
                ready[name] = made
    return ready


def fresh(entrant: Entrant, device: torch.device, threads: int) -> Callable[[], Call]:
    """What makes a call on one random batch, in a new copy where the form allows it."""
    form = opened(entrant.contender, entrant.prepared, device, threads)
    x = entrant.contender.target.input(entrant.batch)

    return lambda: partial(form.fresh(), form.adapt(x.clone()))


def _energy(
    entrants: Mapping[str, Entrant], device: torch.device, plan: Plan
) -> tuple[dict[str, float], str]:
    """Millijoules an image at batch 1, each contender alone for a while."""
    found = counter(device)
    if not isinstance(found, EnergyCounter):
        return {}, found
    measured, source = {}, found.source
    with torch.inference_mode(), intra_op_threads(plan.latency_threads):
        for name, entrant in entrants.items():
            call = fresh(replace(entrant, batch=1), device, plan.latency_threads)()
            spent = measure_energy(call, 1, found)
            if isinstance(spent, str):
                source = spent
            else:
                measured[name] = spent
    return measured, source
