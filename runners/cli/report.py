"""`bench.py report`: write the tables and the figure of one run, or of several in one table."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runners.cli.output import print_comparison
from runners.cli.parser import EXIT_OK, Commands, path


def add(commands: Commands) -> None:
    """Add `report`."""
    report = commands.add_parser(
        "report",
        help="write the tables and the figure of a stored run, or of several runs together",
    )
    report.add_argument(
        "folders", type=path, nargs="+", metavar="RUN", help="a run: a folder below runs/"
    )
    report.out("output folder (default: the folder of the only RUN)")
    report.flag("--force", "rank rows although their fingerprints differ")
    report.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the files, print the table."""
    folder = _output_folder(arguments.folders, arguments.out)
    rows = _rows(arguments.folders)
    if len(arguments.folders) > 1 and not arguments.force:
        _require_equal_fingerprints(rows)

    import reports
    from runners.jobs.write_report import title

    reports.write_comparison(rows, folder, title=title(rows), force=arguments.force)
    print_comparison(rows, folder, force=arguments.force)
    return EXIT_OK


def _output_folder(folders: Sequence[Path], out: Path | None) -> Path:
    """The validated output folder; checked before any run is read."""
    from runners.records.errors import UserError

    for index, folder in enumerate(folders):
        if folder.resolve() in {other.resolve() for other in folders[:index]}:
            raise UserError(f"run {folder} is listed twice; name it once")
    if out is None:
        if len(folders) > 1:
            raise UserError("several runs need an output folder; add --out FOLDER")
        return folders[0]
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out} is a file; name a folder")
    if out.is_dir() and any(out.iterdir()):
        raise UserError(f"--out {out} is not empty; name another folder")
    return out


def _rows(folders: Sequence[Path]) -> list[dict[str, Any]]:
    """The rows of all runs; with several runs, each row names its run."""
    import reports
    from runners.records.errors import UserError
    from runners.store.run_folder import STUDY_FILE, SWEEP_FILE
    from runners.store.study import read_records

    runs = {}
    names = _run_names(folders)
    for folder, name in zip(folders, names, strict=True):
        if (folder / SWEEP_FILE).exists():
            raise UserError(
                f"{folder} is a sweep, whose report is front.md; to write it again, run "
                f"bench.py sweep FILE --resume --out {folder}"
            )
        rows = [record.flat() for record in read_records(folder / STUDY_FILE)]
        if not rows:
            raise UserError(f"nothing to report: no arm of {folder} has finished or failed yet")
        runs[name] = rows
    return reports.merge_runs(runs) if len(runs) > 1 else rows


def _run_names(folders: Sequence[Path]) -> list[str]:
    """The folders' names, with as many folders above as tell them apart: "a/run", "b/run"."""
    paths = [folder.resolve() for folder in folders]
    depth = 1
    while len({path.parts[-depth:] for path in paths}) < len(paths):
        depth += 1
    return ["/".join(path.parts[-depth:]) for path in paths]


def _require_equal_fingerprints(rows: Sequence[dict[str, Any]]) -> None:
    from reports.tables.fingerprints import differing_conditions, list_values
    from runners.records.errors import UserError

    if differing := differing_conditions(rows):
        raise UserError(
            f"fingerprints of these runs differ ({list_values(differing)}): their rows are not "
            "comparable; use --force to put them in one table nevertheless"
        )
