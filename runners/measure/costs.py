"""All costs of a set of architectures, measured together so that their ratios mean something."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import torch
from filelock import FileLock
from torch import nn

from lolvit import Architecture, build
from lolvit.network import Network
from runners.measure import macs
from runners.measure.fingerprint import Fingerprint, fingerprint
from runners.measure.latency import Rounds, Timing, time_networks
from runners.measure.memory import peak_memory
from runners.record import Costs

LATENCY_ROUNDS = 100
THROUGHPUT_ROUNDS = 10
BUDGET_S = 10.0  # for each of the two, once every arm has its least number of rounds


class CostError(RuntimeError):
    """A cost of which two sources disagree."""


@dataclass(frozen=True)
class _Counted:
    """One arm after everything that needs no clock."""

    network: nn.Module
    macs: macs.MacCount
    macs_ptflops: int | None
    peak_memory_bytes: int


def measure(
    architectures: Mapping[str, Architecture],
    device: torch.device,
    *,
    latency_threads: int,
    throughput_threads: int,
    on_stage: Callable[[str], None] = lambda stage: None,
) -> dict[str, Costs | str]:
    """Costs by arm, or the reason in words where an arm has none.

    All arms see images of one shape; latency and throughput come from interleaved rounds.

    Args:
        architectures: arms by name.
        device: where to run.
        latency_threads: CPU threads at batch 1.
        throughput_threads: CPU threads at the large batch.
        on_stage: told what is being measured, in words.
    """
    results: dict[str, Costs | str] = {}
    counted: dict[str, _Counted] = {}
    on_stage("counting MACs and peak memory")
    for name, architecture in architectures.items():
        try:
            counted[name] = _count(architecture, device)
        except Exception as error:  # any failure ends this arm and leaves the others
            results[name] = f"{type(error).__name__}: {error}".splitlines()[0]
    if not counted:
        return results
    first = next(iter(architectures.values()))
    shape = first.in_channels, first.resolution, first.resolution
    networks = {name: arm.network for name, arm in counted.items()}
    batch = throughput_batch(first.resolution)
    with timing_lock(device):
        on_stage("timing batch 1")
        plan = Rounds(LATENCY_ROUNDS, least=10, budget_s=BUDGET_S)
        latency = time_networks(networks, shape, 1, device, latency_threads, plan)
        on_stage(f"timing batch {batch}")
        plan = Rounds(THROUGHPUT_ROUNDS, least=3, budget_s=BUDGET_S)
        throughput = time_networks(networks, shape, batch, device, throughput_threads, plan)
    machine = fingerprint(device)
    for name, arm in counted.items():
        results[name] = _costs(arm, latency[name], throughput[name], machine)
    return results


def throughput_batch(resolution: int) -> int:
    """Images at once: enough to fill a core, few enough for its memory."""
    return 64 if resolution <= 96 else 16


@contextlib.contextmanager
def timing_lock(device: torch.device) -> Iterator[None]:
    """One timing at a time per device, across processes of this machine."""
    path = Path(tempfile.gettempdir()) / f"lolvit-bench-timing-{device.type}.lock"
    with FileLock(path, mode=0o666):
        yield


def _count(architecture: Architecture, device: torch.device) -> _Counted:
    side = architecture.resolution
    image = architecture.in_channels, side, side
    network = build(architecture, seed=0)
    counted = macs.count(network, *image), macs.count_ptflops(network, *image)
    formula = cast(Network, network).macs(side, side)
    if counted[0].total != formula:
        raise CostError(f"{counted[0].total} MACs were counted, but its formula says {formula}")
    peak = peak_memory(architecture, device)
    network = network.to(device).eval()
    with torch.inference_mode():  # what cannot run at the large batch must fail here, alone
        network(torch.zeros(throughput_batch(side), *image, device=device))
    return _Counted(network, *counted, peak)


def _costs(arm: _Counted, latency: Timing, throughput: Timing, machine: Fingerprint) -> Costs:
    return Costs(
        params=sum(parameter.numel() for parameter in arm.network.parameters()),
        macs=arm.macs.total,
        macs_by_operator=arm.macs.by_operator,
        macs_ptflops=arm.macs_ptflops,
        other_ops=arm.macs.other_ops,
        latency_ms_samples=latency.samples_ms,
        latency_ms_median=latency.median_ms,
        latency_ms_min=latency.min_ms,
        latency_ms_iqr=latency.iqr_ms,
        latency_threads=latency.threads,
        throughput_images_per_s=throughput.batch / throughput.median_ms * 1e3,
        throughput_batch=throughput.batch,
        throughput_threads=throughput.threads,
        peak_memory_bytes=arm.peak_memory_bytes,
        fingerprint=machine,
    )
