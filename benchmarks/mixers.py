"""Measure how efficient each mixer is: its MAC rate relative to a 1x1 convolution.

    python benchmarks/mixers.py [--sides 56 28] [--width 64] [--batch 8] [--rounds 30] [NAME ...]

All mixers and the convolution are timed in one interleaved run on one CPU thread, on the same
feature map. Mixers are timed as deployed, with norms folded into the convolutions, or without
folding with `--eager`. Efficiency is MACs per second relative to the convolution.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable
from functools import partial
from statistics import median

import torch
from torch import Tensor, nn

from attention_zoo import build, entries
from attention_zoo.layers.conv_norm import fold
from runners.cli.output import print_table
from runners.measure.timing.latency import interleave, intra_op_threads, time_cpu
from runners.measure.timing.protocol import Rounds

REFERENCE = "1x1 convolution"


def main() -> None:
    """Measure and print one table per side."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="mixers (default: all)")
    parser.add_argument(
        "--sides", type=int, nargs="+", default=[56, 28], help="sides of the feature maps"
    )
    parser.add_argument("--width", type=int, default=64, help="channels")
    parser.add_argument("--heads", type=int, default=4)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--eager", action="store_true", help="do not fold norms")
    arguments = parser.parse_args()
    for side in arguments.sides:
        _table(arguments, side)


def _call(module: nn.Module, x: Tensor) -> Callable[[], object]:
    return partial(copy.deepcopy(module), x.clone())


def _table(arguments: argparse.Namespace, side: int) -> None:
    names = arguments.names or sorted(entries())
    width, batch = arguments.width, arguments.batch
    torch.manual_seed(0)
    x = torch.randn(batch, width, side, side)
    mixers = {name: build(name, dim=width, num_heads=arguments.heads).eval() for name in names}
    macs = {name: mixer.macs(side, side) * batch for name, mixer in mixers.items()}
    if not arguments.eager:
        mixers = {name: fold(mixer) for name, mixer in mixers.items()}
    mixers[REFERENCE] = nn.Conv2d(width, width, 1).eval()
    calls = {name: partial(_call, mixer, x) for name, mixer in mixers.items()}
    macs[REFERENCE] = x[0, 0].numel() * width**2 * batch
    with torch.inference_mode(), intra_op_threads(1):
        samples_ms = interleave(calls, time_cpu, Rounds(arguments.rounds, 5, 120.0)).ms
    times = {name: median(ms) for name, ms in samples_ms.items()}
    rate = macs[REFERENCE] / times[REFERENCE]
    form = "eager" if arguments.eager else "folded"
    print(f"\n{side} x {side}, C={width}, batch {batch}, 1 thread, {form}")
    rows = []
    for name in sorted(times, key=times.__getitem__):
        ratios = [
            f"{times[name] / times[other]:.3f}" if other in times else "-"
            for other in ("linear", "softmax")
        ]
        efficiency = f"{macs[name] / times[name] / rate:.2f}"
        rows.append([name, f"{times[name]:.2f}", *ratios, f"{macs[name] / 1e6:.1f}", efficiency])
    print_table(("mixer", "ms", "x linear", "x softmax", "MACs (M)", "efficiency"), rows)


if __name__ == "__main__":
    main()
