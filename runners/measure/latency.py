"""Time by interleaved rounds: contenders take turns, so that drift meets all alike."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

WARMUP_ROUNDS = 2
_NS_PER_MS = 1e6


@dataclass(frozen=True)
class Timing:
    """Samples of one contender in ms, one a round, in the order of the rounds."""

    samples_ms: list[float]
    batch: int
    threads: int

    @property
    def median_ms(self) -> float:
        return float(np.median(self.samples_ms))

    @property
    def min_ms(self) -> float:
        return min(self.samples_ms)

    @property
    def iqr_ms(self) -> float:
        low, high = np.percentile(self.samples_ms, (25, 75))
        return float(high - low)


@dataclass(frozen=True)
class Rounds:
    """How often: `most` rounds, fewer once `budget_s` seconds are over, never under `least`."""

    most: int
    least: int
    budget_s: float


def time_networks(
    networks: Mapping[str, nn.Module],
    shape: tuple[int, int, int],
    batch: int,
    device: torch.device,
    threads: int,
    rounds: Rounds,
) -> dict[str, Timing]:
    """Forward time of each network on one random batch, in eval and inference mode.

    Args:
        networks: contenders by name, on `device`.
        shape: (channels, height, width) of an image.
        batch: images at once.
        device: where the networks are.
        threads: intra-op threads on the CPU while timing.
        rounds: each round times every contender once, in shuffled order.
    """
    generator = torch.Generator().manual_seed(0)
    images = torch.randn(batch, *shape, generator=generator).to(device)
    calls = {name: _call(network.eval(), images) for name, network in networks.items()}
    with torch.inference_mode(), intra_op_threads(threads):
        samples = interleave(calls, _clock(device), rounds)
    return {name: Timing(found, batch, threads) for name, found in samples.items()}


def interleave(
    calls: Mapping[str, Callable[[], object]],
    clock: Callable[[Callable[[], object]], float],
    rounds: Rounds,
) -> dict[str, list[float]]:
    """Samples of each call, one a round; `clock(call)` runs it once and gives its ms."""
    shuffle = random.Random(0)
    order = list(calls)
    samples: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(WARMUP_ROUNDS):
        for name in order:
            clock(calls[name])
    end = time.monotonic() + rounds.budget_s
    for done in range(rounds.most):
        if done >= rounds.least and time.monotonic() > end:
            break
        shuffle.shuffle(order)
        for name in order:
            samples[name].append(clock(calls[name]))
    return samples


@contextlib.contextmanager
def intra_op_threads(threads: int) -> Iterator[None]:
    """Torch's intra-op threads for the block; the former number afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _call(network: nn.Module, images: Tensor) -> Callable[[], object]:
    return lambda: network(images)


def _clock(device: torch.device) -> Callable[[Callable[[], object]], float]:
    return _time_cuda if device.type == "cuda" else time_cpu


def time_cpu(call: Callable[[], object]) -> float:
    """Run the call once on the CPU; its wall time in ms."""
    start = time.perf_counter_ns()
    call()
    return (time.perf_counter_ns() - start) / _NS_PER_MS


def _time_cuda(call: Callable[[], object]) -> float:
    """Device time between two events; the queue is empty before and after."""
    begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
    torch.cuda.synchronize()
    begin.record()
    call()
    end.record()
    torch.cuda.synchronize()
    return float(begin.elapsed_time(end))
