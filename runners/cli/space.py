"""`bench.py space`: describe a search space before a sweep."""

from __future__ import annotations

import argparse

from runners.cli.parser import EXIT_OK, Commands, non_negative


def add(commands: Commands) -> None:
    """Add `space`."""
    space = commands.add_parser(
        "space",
        help="describe a search space: dimensions, size, feasible share, duration of a sweep",
    )
    option = space.add_argument
    option("file", metavar="FILE", help="a sweep or a space in YAML, or the name of a preset")
    space.number("--draws", "number of architectures drawn to estimate shares", 1000)
    option("--seed", type=non_negative, default=0, help="random seed of the draws (default: 0)")
    space.flag("--no-estimate", "do not time training steps to estimate the duration")
    space.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the description."""
    from rich.console import Console

    from runners.jobs.describe_space import describe

    timed = not arguments.no_estimate
    for part in describe(arguments.file, arguments.draws, arguments.seed, timed=timed):
        Console().print(part, highlight=False, soft_wrap=isinstance(part, str))
    return EXIT_OK
