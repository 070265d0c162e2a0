"""Command-line options of how costs are measured."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from runners.cli.parser import Parser, at_least_two, precision, seconds

if TYPE_CHECKING:
    from runners.measure.timing.protocol import MeasurementProtocol

FORMS_HELP = (
    "eager, deploy (norms folded, channels-last where faster), compile, onnx (default: eager)"
)
ROUNDS, LEAST_ROUNDS = 300, 60
"""At least six placements in memory: with fewer, intervals are too narrow."""
PRECISION = 0.02
_SECONDS, _SECONDS_PER_VARIANT, _MOST_SECONDS = 10, 2, 30


def add_options(parser: Parser) -> None:
    """Add rounds, precision, time, processes, threads, batch and memory."""
    parser.add_argument(
        "--rounds",
        type=at_least_two,
        default=ROUNDS,
        metavar="N",
        help="maximum number of timing rounds (default: %(default)s)",
    )
    parser.add_argument(
        "--precision",
        type=precision,
        default=PRECISION,
        metavar="P",
        help="stop timing once every 95 %% interval is within this share of its ratio "
        "(default: 2%%; 0 never stops)",
    )
    parser.add_argument(
        "--time-budget",
        type=seconds,
        metavar="TIME",
        help=f"time of timing in each process, as 90, 90s or 2m (default: {_SECONDS} s, and "
        f"{_SECONDS_PER_VARIANT} more for each variant, at most {_MOST_SECONDS})",
    )
    parser.number(
        "--processes",
        "number of fresh processes to time in; processes vary more than rounds",
        1,
        "K",
    )
    parser.number(
        "--threads",
        "CPU threads (default: 1 for latency and training, all cores for throughput)",
        metavar="N",
    )
    parser.number(
        "--batch",
        "batch size of the throughput (default: the fastest of 1, 2, 4, ...)",
        metavar="B",
    )
    parser.number("--largest-batch", "largest batch size to try", 256, "B")
    parser.flag(
        "--memory-edge",
        "increase the batch until memory is exhausted, and report the largest that fits",
    )
    parser.number(
        "--memory-gb", "memory limit of a batch (default: 80 %% of the free memory)", metavar="GB"
    )
    parser.patience()
    parser.flag(
        "--allow-uncounted",
        "mark rows with operators that no rule counts, instead of refusing them",
    )


def to_protocol(arguments: argparse.Namespace, variants: int) -> MeasurementProtocol:
    """Build the protocol that the options ask for, for this number of variants."""
    from runners.machine.fingerprint import usable_cores
    from runners.measure.timing.protocol import MeasurementProtocol, Rounds

    usual_s = min(_MOST_SECONDS, _SECONDS + _SECONDS_PER_VARIANT * variants)
    budget_s = arguments.time_budget or usual_s
    rounds = Rounds(
        most=arguments.rounds,
        least=min(LEAST_ROUNDS, arguments.rounds),
        budget_s=float(budget_s),
        precision=arguments.precision or None,
    )
    return MeasurementProtocol(
        latency=rounds,
        latency_threads=arguments.threads or 1,
        throughput_threads=arguments.threads or usable_cores(),
        processes=arguments.processes,
        batch=arguments.batch,
        largest_batch=arguments.largest_batch,
        to_the_edge=arguments.memory_edge,
        memory_bytes=(arguments.memory_gb or 0) * 10**9,
        allow_uncounted=arguments.allow_uncounted,
        patience_s=arguments.patience,
    )
