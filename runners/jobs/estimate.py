"""Estimate how long a sweep takes on this machine, from training steps of a few architectures."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch
import torch.nn.functional as F

from lolvit import LolvitConfig, build
from runners import data
from runners.engines.local import default_processes
from runners.evaluators.prepare import PreparedSweep
from runners.evaluators.trained import TrainedEvaluator
from runners.measure.timing.latency import intra_op_threads
from runners.search.config import SweepConfig
from runners.search.rungs import rung_epochs
from runners.training.recipe import Recipe

_STEPS = 3
_OVERHEAD_S = 2.0
"""Of a trial, besides timing and training: process start, data, network."""
_EPOCH_FACTOR = 1.25
"""An epoch with validation, weight averaging and augmentation, relative to its steps."""


def estimate(config: SweepConfig, prepared: PreparedSweep, examples: Sequence[LolvitConfig]) -> str:
    """Return one line: roughly how long a trial and the whole sweep take.

    Assumes an idle core; on a busy machine the sweep takes longer.
    """
    evaluator = prepared.evaluator
    assert isinstance(evaluator, TrainedEvaluator)
    if evaluator.immediate:
        return "nothing is timed or trained: thousands of trials per minute"
    # A trial alternates with its reference network, and remeasures both in new memory.
    timing_s = 2 * config.latency.seconds if evaluator.is_timed else 0.0
    fixed_s = _OVERHEAD_S + timing_s
    recipe = evaluator.recipe
    if recipe is None:
        total = _duration(config.trials * fixed_s)
        return f"about {fixed_s:.0f} s per trial, {total} for {config.trials} trials"
    dataset = data.load(evaluator.images.name, prepared.space.base.resolution)
    images = len(dataset.train)
    seconds = [_seconds_per_image(example, recipe, config.device) for example in examples]
    epoch_s = _EPOCH_FACTOR * images * sum(seconds) / len(seconds)
    parallel = default_processes(torch.device(config.device), evaluator.threads or 1)
    trial_s = fixed_s + recipe.epochs * epoch_s
    line = (
        f"about {trial_s:.0f} s per fully trained trial ({recipe.epochs} epochs of {images:,} "
        f"images), {parallel} in parallel: at most {_duration(config.trials * trial_s / parallel)} "
        f"for {config.trials} trials"
    )
    if config.rungs is not None:
        epochs = expected_epochs(config.rungs.first, config.rungs.eta, recipe.epochs)
        total = _duration(config.trials * (fixed_s + epochs * epoch_s) / parallel)
        line += f", about {total} with early stopping at rungs"
    return line


def expected_epochs(first: int, eta: int, epochs: int) -> float:
    """Return the mean epochs per trial if 1/eta of the trials at each rung continue."""
    total, share, start = 0.0, 1.0, 0
    for end in (*rung_epochs(first, eta, epochs), epochs):
        total += share * (end - start)
        share, start = share / eta, end
    return total


def _seconds_per_image(architecture: LolvitConfig, recipe: Recipe, device_name: str) -> float:
    """Time a few training steps; returns the fastest, divided by its images."""
    device = torch.device(device_name)
    network = build(architecture, seed=0).to(device).train()
    side = architecture.resolution
    x = torch.rand(recipe.batch_size, architecture.in_channels, side, side, device=device)
    labels = torch.zeros(recipe.batch_size, dtype=torch.long, device=device)
    optimizer = torch.optim.AdamW(network.parameters())
    durations = []
    with intra_op_threads(1):
        for _ in range(_STEPS + 1):
            start = time.perf_counter()
            F.cross_entropy(network(x), labels).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            optimizer.zero_grad()
            if device.type == "cuda":
                torch.cuda.synchronize()
            durations.append(time.perf_counter() - start)
    return min(durations[1:]) / recipe.batch_size


def _duration(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
