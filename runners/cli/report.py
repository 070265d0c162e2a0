"""`bench.py report`: tables and figure again, of one run or of several in one table."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runners.cli.parser import EXIT_FINE, Commands


def add(commands: Commands) -> None:
    """Add `report`."""
    report = commands.add_parser(
        "report", help="write a run's tables and figure again, or those of several runs together"
    )
    option = report.add_argument
    option("folders", type=Path, nargs="+", metavar="RUN", help="a folder below runs/")
    option(
        "--out", type=Path, metavar="FOLDER", help="for the files; default: the folder of one RUN"
    )
    option("--force", action="store_true", help="rank rows whose fingerprints differ")
    report.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the files, print the table."""
    folder = _folder(arguments.folders, arguments.out)
    rows = _rows(arguments.folders)
    if len(arguments.folders) > 1 and not arguments.force:
        _refuse_to_mix(rows)

    from rich.console import Console

    import reports
    from runners.jobs.write_report import titled

    title = titled((row["name"] for row in rows), (row["dataset"] for row in rows))
    reports.write(rows, folder, title=title, force=arguments.force)
    console = Console()
    console.print(reports.terminal(reports.summarise(rows, title=title, force=arguments.force)))
    console.print(f"\nFiles: {folder}/", markup=False, highlight=False, soft_wrap=True)
    return EXIT_FINE


def _folder(folders: Sequence[Path], out: Path | None) -> Path:
    """Where the files go; checked before anything is read."""
    from runners.records.errors import UserError

    twice = next((each for n, each in enumerate(folders) if _same(each, folders[:n])), None)
    if twice is not None:
        raise UserError(f"run {twice} is named twice")
    if out is None:
        if len(folders) > 1:
            raise UserError("the files of several runs belong to none of them; add --out FOLDER")
        return folders[0]
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out} is a file; name a folder")
    if out.is_dir() and any(out.iterdir()):
        raise UserError(f"--out {out} is not empty; name another folder")
    return out


def _same(folder: Path, others: Sequence[Path]) -> bool:
    return folder.resolve() in {other.resolve() for other in others}


def _rows(folders: Sequence[Path]) -> list[dict[str, Any]]:
    """The rows of all runs; those of several know their run."""
    import reports
    from runners.records.errors import UserError
    from runners.store.run_folder import STUDY_FILE, SWEEP_FILE
    from runners.store.study import stored_records

    runs = {}
    names = [folder.resolve().name for folder in folders]
    for folder, name in zip(folders, names, strict=True):
        if (folder / SWEEP_FILE).exists():
            raise UserError(
                f"{folder} is a sweep: its report is front.md; bench.py sweep FILE --resume --out "
                f"{folder} publishes it again"
            )
        rows = [record.flat() for record in stored_records(folder / STUDY_FILE)]
        if not rows:
            raise UserError(f"no arm of {folder} has ended yet; nothing to report")
        # Folders of one name, as in a/run and b/run, are told apart by their paths.
        runs[name if names.count(name) == 1 else str(folder)] = rows
    return reports.merge(runs) if len(runs) > 1 else rows


def _refuse_to_mix(rows: Sequence[dict[str, Any]]) -> None:
    from reports.tables.fingerprints import listed, machines
    from runners.records.errors import UserError

    if found := machines(rows):
        raise UserError(
            f"fingerprints of these runs differ ({listed(found)}): they are not put in one table; "
            "--force does it all the same"
        )
