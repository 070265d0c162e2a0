"""`bench.py data`: list data sets, fetch full ones."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from runners.cli.output import print_table
from runners.cli.parser import EXIT_OK, Commands

if TYPE_CHECKING:
    from rich.progress import TaskID


def add(commands: Commands) -> None:
    """Add `data list` and `data fetch`."""
    data = commands.add_parser("data", help="list or fetch data sets")
    actions = data.add_subparsers(required=True, metavar="ACTION")
    actions.add_parser("list", help="list every data set").set_defaults(run=_list)
    fetch = actions.add_parser("fetch", help="download a full data set into the cache")
    fetch.add_argument("name", help="fashion-mnist or cifar10")
    fetch.set_defaults(run=_fetch)


def _list(arguments: argparse.Namespace) -> int:
    from runners.data import describe

    rows = [tuple(row.values()) for row in describe()]
    print_table(("name", "what", "images", "licence", "on this machine"), rows)
    return EXIT_OK


def _fetch(arguments: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress, TransferSpeedColumn

    from runners.data import fetch

    console = Console(stderr=True)
    columns = (*Progress.get_default_columns(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total)
            progress.update(tasks[what], completed=done, total=total)

        path = fetch(arguments.name, show)
    print(f"{arguments.name} is in {path}")
    return EXIT_OK
