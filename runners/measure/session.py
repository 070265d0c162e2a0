"""One fresh process in which all contenders take turns: latency, then throughput, then energy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial

import torch

from runners.measure.contender import COMPILE, Contender, Prepared
from runners.measure.energy import EnergyCounter, counter, measure_energy
from runners.measure.forms import opened
from runners.measure.latency import Call, Rounds, Samples, clock_of, interleave, intra_op_threads


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


def hold(entrants: Mapping[str, Entrant], device: torch.device, plan: Plan) -> Session:
    """Time all entrants. To be run in a fresh process that has the device alone."""
    clock = clock_of(device)
    timed = []
    for threads, rounds, batch in (
        (plan.latency_threads, plan.latency, lambda entrant: 1),
        (plan.throughput_threads, plan.throughput, lambda entrant: entrant.batch),
    ):
        with torch.inference_mode(), intra_op_threads(threads):
            fresh = {
                name: _fresh(entrant, device, threads, batch(entrant))
                for name, entrant in entrants.items()
            }
            timed.append(interleave(fresh, clock, rounds, plan.seed))
    energy, source = _energy(entrants, device, plan) if plan.energy else ({}, "")
    return Session(timed[0], timed[1], energy, source)


def _fresh(entrant: Entrant, device: torch.device, threads: int, batch: int) -> Callable[[], Call]:
    """What makes a call on one random batch, in a new copy where the form allows it."""
    form = opened(entrant.contender, entrant.prepared, device, threads)
    x = entrant.contender.target.input(batch)

    def fresh() -> Call:
        return partial(form.fresh(), form.adapt(x.clone()))

    if entrant.contender.form == COMPILE:
        fresh()()  # compiling belongs to no round
    return fresh


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
            call = _fresh(entrant, device, plan.latency_threads, 1)()
            spent = measure_energy(call, 1, found)
            if isinstance(spent, str):
                source = spent
            else:
                measured[name] = spent
    return measured, source
