"""`bench.py space`: what a sweep would search, before it does."""

from __future__ import annotations

import argparse

from runners.cli.parser import EXIT_FINE, Commands, positive


def add(commands: Commands) -> None:
    """Add `space`."""
    space = commands.add_parser(
        "space", help="a search space: dimensions, size, feasible share, examples, time it takes"
    )
    option = space.add_argument
    option("file", metavar="FILE", help="a sweep or a space in YAML, or a preset's name")
    option("--draws", type=positive, default=1000, help="to estimate shares (default: 1000)")
    option("--seed", type=int, default=0, help="of the draws (default: 0)")
    option("--no-estimate", action="store_true", help="do not time a few steps of training")
    space.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print what there is to search."""
    from rich.console import Console

    from runners.jobs.describe_space import describe

    timed = not arguments.no_estimate
    for part in describe(arguments.file, arguments.draws, arguments.seed, timed=timed):
        Console().print(part, highlight=False, soft_wrap=isinstance(part, str))
    return EXIT_FINE
