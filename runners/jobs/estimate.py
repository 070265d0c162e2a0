"""How long a sweep will take on this machine, from a few steps of three of its architectures."""

from __future__ import annotations

import time
from collections.abc import Sequence

import torch
import torch.nn.functional as F

from lolvit import LolvitConfig, build
from runners import data
from runners.engines.local import default_processes
from runners.measure.timing.latency import intra_op_threads
from runners.search.config import SweepConfig
from runners.search.prepare import Prepared
from runners.search.rungs import rung_epochs
from runners.search.trained import Trained
from runners.training.recipe import Recipe

_STEPS = 3
_OVERHEAD_S = 2.0
"""Of a trial beside timing and training: its process, its data, its network."""
_BESIDE_STEPS = 1.25
"""Validation, averaging and augmentation, over the steps alone."""


def estimate(config: SweepConfig, prepared: Prepared, examples: Sequence[LolvitConfig]) -> str:
    """One line: what a trial and the whole sweep will take, roughly.

    Timed with a free core; a machine at work on something else takes longer.
    """
    evaluator = prepared.evaluator
    assert isinstance(evaluator, Trained)
    if evaluator.immediate:
        return "nothing is timed or trained: thousands of trials a minute"
    # A trial and its reference network take turns; placing them anew takes half as long again.
    timing_s = 2 * config.latency.seconds if evaluator.reference is not None else 0.0
    fixed_s = _OVERHEAD_S + timing_s
    recipe = evaluator.recipe
    if recipe is None:
        total = config.trials * fixed_s
        return f"about {fixed_s:.0f} s a trial, {_told(total)} for {config.trials} trials"
    dataset = data.load(evaluator.images.name, prepared.space.base.resolution)
    images = len(dataset.train)
    each = [_image_s(example, recipe, config.device) for example in examples]
    epoch_s = _BESIDE_STEPS * images * sum(each) / len(each)
    at_once = default_processes(torch.device(config.device), evaluator.threads)
    whole = fixed_s + recipe.epochs * epoch_s
    said = (
        f"about {whole:.0f} s a trial that is trained to the end ({recipe.epochs} epochs of "
        f"{images:,} images), {at_once} at once: at most {_told(config.trials * whole / at_once)} "
        f"for {config.trials} trials"
    )
    if config.rungs is not None:
        epochs = expected_epochs(config.rungs.first, config.rungs.eta, recipe.epochs)
        short = fixed_s + epochs * epoch_s
        said += f", about {_told(config.trials * short / at_once)} with rungs"
    return said


def expected_epochs(first: int, eta: int, epochs: int) -> float:
    """Epochs of a trial on average, if 1/eta of those that reach a rung go on."""
    ends = [*rung_epochs(first, eta, epochs), epochs]
    total, share, before = 0.0, 1.0, 0
    for end in ends:
        total += share * (end - before)
        share, before = share / eta, end
    return total


def _image_s(architecture: LolvitConfig, recipe: Recipe, device: str) -> float:
    """Seconds of a training step, over its images."""
    place = torch.device(device)
    network = build(architecture, seed=0).to(place).train()
    side = architecture.resolution
    x = torch.rand(recipe.batch_size, architecture.in_channels, side, side, device=place)
    labels = torch.zeros(recipe.batch_size, dtype=torch.long, device=place)
    optimizer = torch.optim.AdamW(network.parameters())
    taken = []
    with intra_op_threads(1):
        for _ in range(_STEPS + 1):
            start = time.perf_counter()
            F.cross_entropy(network(x), labels).backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            optimizer.zero_grad()
            if place.type == "cuda":
                torch.cuda.synchronize()
            taken.append(time.perf_counter() - start)
    return min(taken[1:]) / recipe.batch_size


def _told(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
