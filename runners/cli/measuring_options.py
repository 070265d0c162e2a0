"""Command-line options of how costs are measured."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from runners.cli.parser import Parser, positive, share

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
    _add_timing_options(parser)
    _add_batch_options(parser)


def _add_timing_options(parser: Parser) -> None:
    option = parser.add_argument
    option(
        "--rounds",
        type=positive,
        default=ROUNDS,
        metavar="N",
        help="maximum number of timing rounds (default: %(default)s)",
    )
    option(
        "--precision",
        type=share,
        default=PRECISION,
        metavar="P",
        help="stop timing once every 95 %% interval is within this share of its ratio "
        "(default: 2%%; 0 never stops)",
    )
    option(
        "--time-budget",
        type=positive,
        metavar="S",
        help=f"seconds of timing in each process (default: {_SECONDS}, and {_SECONDS_PER_VARIANT} "
        f"more for each variant, at most {_MOST_SECONDS})",
    )
    option(
        "--processes",
        type=positive,
        default=1,
        metavar="K",
        help="number of fresh processes to time in; processes vary more than rounds (default: 1)",
    )
    option(
        "--threads",
        type=positive,
        metavar="N",
        help="CPU threads (default: 1 for latency and training, all cores for throughput)",
    )


def _add_batch_options(parser: Parser) -> None:
    option = parser.add_argument
    option(
        "--batch",
        type=positive,
        metavar="B",
        help="batch size of the throughput (default: the fastest of 1, 2, 4, ...)",
    )
    option(
        "--largest-batch",
        type=positive,
        default=256,
        metavar="B",
        help="largest batch size to try (default: %(default)s)",
    )
    option(
        "--memory-edge",
        action="store_true",
        help="increase the batch until memory is exhausted, and report the largest that fits",
    )
    option(
        "--memory-gb",
        type=positive,
        metavar="GB",
        help="memory limit of a batch (default: 80 %% of the free memory)",
    )
    option(
        "--allow-uncounted",
        action="store_true",
        help="mark rows with operators that no rule counts, instead of refusing them",
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
    )
