"""`bench.py report`: tables, figures and one interactive page of runs of any kind."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from runners.cli.parser import EXIT_OK, Commands, path

if TYPE_CHECKING:
    from reports.runs.run import Run

_FOLDER = "report"


def add(commands: Commands) -> None:
    """Add `report`."""
    report = commands.add_parser(
        "report",
        help="write tables, figures and an interactive page of runs of any kind",
    )
    report.add_argument(
        "folders", type=path, nargs="+", metavar="RUN", help="a run: a folder below runs/"
    )
    report.out(f"output folder (default: {_FOLDER}/ in the folder of the only RUN)")
    report.flag(
        "--force",
        "write into a folder that holds files, and rank rows although their fingerprints differ",
    )
    report.flag(
        "--published",
        "add a table of published models, with the numbers that their sources report",
    )
    report.add_argument(
        "--columns",
        metavar="KEYS",
        help="columns of the tables of arms and fronts, in order, as in accuracy,macs,latency",
    )
    report.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the files, print the tables."""
    folder = _output_folder(arguments.folders, arguments.out, force=arguments.force)
    from runners.jobs.read_run import read_run
    from runners.records.errors import UserError

    names = _run_names(arguments.folders)
    runs = [read_run(*pair) for pair in zip(arguments.folders, names, strict=True)]
    if not arguments.force:
        _require_equal_fingerprints(runs)

    from rich.console import Console

    import reports
    from reports.report import PAGE, UnknownColumn

    columns = [key.strip() for key in (arguments.columns or "").split(",") if key.strip()]
    try:
        tables = reports.write_report(
            runs,
            folder,
            force=arguments.force,
            published=arguments.published,
            columns=columns,
        )
    except UnknownColumn as error:
        raise UserError(f"--columns: {error}") from error
    console = Console()
    for table in tables:
        console.print(table)
    page = folder / PAGE
    console.print(f"\nFiles: {folder}/", markup=False, highlight=False, soft_wrap=True)
    console.print(f"Page: {page}", markup=False, highlight=False, soft_wrap=True)
    return EXIT_OK


def _output_folder(folders: Sequence[Path], out: Path | None, *, force: bool) -> Path:
    """The validated output folder; checked before any run is read."""
    from runners.records.errors import UserError

    for index, folder in enumerate(folders):
        if folder.resolve() in {other.resolve() for other in folders[:index]}:
            raise UserError(f"run {folder} is listed twice; name it once")
    if out is None:
        if len(folders) > 1:
            raise UserError("several runs need an output folder; add --out FOLDER")
        return folders[0] / _FOLDER  # written by this command only
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out} is a file; name a folder")
    if out.is_dir() and any(out.iterdir()) and not force:
        raise UserError(f"--out {out} is not empty; name another folder, or add --force")
    return out


def _run_names(folders: Sequence[Path]) -> list[str]:
    """The folders' names, with as many folders above as tell them apart: "a/run", "b/run"."""
    paths = [folder.resolve() for folder in folders]
    depth = 1
    while len({path.parts[-depth:] for path in paths}) < len(paths):
        depth += 1
    return ["/".join(path.parts[-depth:]) for path in paths]


def _require_equal_fingerprints(runs: Sequence[Run]) -> None:
    """Refuse to put arms of several runs in one table that were measured differently."""
    from reports.runs.run import RunKind
    from reports.tables.fingerprints import differing_conditions, list_values
    from runners.records.errors import UserError

    compared = [run for run in runs if run.kind is RunKind.COMPARISON]
    if len(compared) < 2:
        return
    if differing := differing_conditions([row for run in compared for row in run.rows]):
        raise UserError(
            f"fingerprints of these runs differ ({list_values(differing)}): their rows are not "
            "comparable; use --force to put them in one table nevertheless"
        )
