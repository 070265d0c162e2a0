"""`bench.py dashboard`: look at a running or finished sweep in the browser."""

from __future__ import annotations

import argparse

from runners.cli.parser import EXIT_OK, Commands, path, port

HOST = "127.0.0.1"


def add(commands: Commands) -> None:
    """Add `dashboard`."""
    dashboard = commands.add_parser(
        "dashboard", help="optuna-dashboard on the study of a sweep, on this machine only"
    )
    option = dashboard.add_argument
    option("folder", type=path, metavar="RUN", help="the folder of a sweep or a comparison")
    option("--storage", metavar="URL", help="database of the study, if it is not in the run folder")
    option("--port", type=port, default=8080, help="default: %(default)s")
    dashboard.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until Ctrl-C."""
    from runners.jobs.dashboard import serve

    serve(arguments.folder, arguments.storage, HOST, arguments.port)
    return EXIT_OK
