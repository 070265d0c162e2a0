"""`bench.py report`: a run's tables and figure again, from its study."""

from __future__ import annotations

import argparse
from pathlib import Path

from runners.commands.parser import EXIT_FINE, Commands
from runners.commands.show import show


def add(commands: Commands) -> None:
    """Add `report`."""
    report = commands.add_parser("report", help="write a run's tables and figure again")
    report.add_argument("folder", type=Path, metavar="RUN", help="a folder below runs/")
    report.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the files, print the table."""
    from runners.errors import UserError
    from runners.run_folder import STUDY_FILE
    from runners.study import stored_records
    from runners.write_report import write_report

    records = stored_records(arguments.folder / STUDY_FILE)
    if not records:
        raise UserError(f"no arm of {arguments.folder} has ended yet; nothing to report")
    write_report(records, arguments.folder)
    show(records, arguments.folder, as_json=False)
    return EXIT_FINE
