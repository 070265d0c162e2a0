"""Options that say how costs are measured."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from runners.cli.parser import Parser, positive, share

if TYPE_CHECKING:
    from runners.measure.protocol import MeasurementProtocol

FORMS_HELP = (
    "eager, deploy (norms folded, channels-last where faster), compile, onnx (default: eager)"
)
ROUNDS, LEAST_ROUNDS = 300, 60
"""At least six placements in memory: of fewer an interval is too sure of itself."""
PRECISION = 0.02
_SECONDS, _SECONDS_A_CONTENDER, _MOST_SECONDS = 10, 2, 30


def add_options(parser: Parser) -> None:
    """Add rounds, precision, time, processes, threads, batch and memory."""
    option = parser.add_argument
    option("--rounds", type=positive, default=ROUNDS, help="at most (default: %(default)s)")
    option(
        "--precision",
        type=share,
        default=PRECISION,
        metavar="P",
        help="stop once every 95 %% interval is this narrow, plus or minus (default: 2%%); "
        "0 for never",
    )
    option(
        "--time-budget",
        type=positive,
        metavar="S",
        help=f"seconds of rounds a process (default: {_SECONDS}, {_SECONDS_A_CONTENDER} more "
        f"for each variant, at most {_MOST_SECONDS})",
    )
    option(
        "--processes",
        type=positive,
        default=1,
        metavar="K",
        help="fresh processes to time in; they differ more than rounds do (default: 1)",
    )
    option("--threads", type=positive, help="CPU threads (default: 1; for throughput all cores)")
    option("--batch", type=positive, help="of the throughput (default: the best of a ladder)")
    option(
        "--largest-batch",
        type=positive,
        default=256,
        metavar="B",
        help="last rung of the ladder (default: %(default)s)",
    )
    option("--memory-edge", action="store_true", help="climb until memory ends, and say where")
    option(
        "--memory-gb",
        type=positive,
        metavar="GB",
        help="what a batch may take (default: 80 %% of what is free)",
    )
    option(
        "--allow-uncounted",
        action="store_true",
        help="mark a row with operators that no rule counts, instead of refusing it",
    )


def to_protocol(arguments: argparse.Namespace, variants: int) -> MeasurementProtocol:
    """The protocol that the options ask for, of so many variants."""
    from runners.machine.fingerprint import usable_cores
    from runners.measure.protocol import MeasurementProtocol
    from runners.measure.timing.latency import Rounds

    usual_s = min(_MOST_SECONDS, _SECONDS + _SECONDS_A_CONTENDER * variants)
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
