"""`bench.py diff`: two stored runs arm by arm, and whether the second one is worse."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runners.cli.parser import EXIT_FINE, Commands, share

if TYPE_CHECKING:
    from reports.diff.arm_diff import ArmDiff

EXIT_REGRESSION = 1


def add(commands: Commands) -> None:
    """Add `diff`."""
    diff = commands.add_parser("diff", help="compare two stored runs, exit with 1 on a regression")
    option = diff.add_argument
    option("before", type=Path, metavar="RUN_A", help="a folder below runs/, or its study.db")
    option("after", type=Path, metavar="RUN_B", help="the run to judge")
    option(
        "--fail-over",
        type=share,
        default="5%",
        metavar="SHARE",
        help="how much worse is a regression, as in 5%% or 0.05 (default: 5%%)",
    )
    option("--force", action="store_true", help="compare latencies of different machines as well")
    form = diff.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print a list, an object per arm")
    form.add_argument("--markdown", action="store_true", help="print a table for GitHub")
    diff.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print what changed; the exit code is 0, 1 on a regression, 2 where too little was compared.

    A regression found goes before what could not be compared: it is certain.
    """
    import reports
    from reports.diff.regression import regressions
    from runners.records.errors import UserError

    rows_a, rows_b = _rows(arguments.before), _rows(arguments.after)
    arms = reports.diff_runs(rows_a, rows_b, force=arguments.force)
    if all(each.only_in for each in arms):
        raise UserError(
            f"{arguments.before} and {arguments.after} have no arm in common: "
            f"{_names(arms, 'A')} in the first, {_names(arms, 'B')} in the second"
        )
    threshold = arguments.fail_over
    found = [regressions(each, threshold) for each in arms]
    if arguments.json:
        _print_json(arms, found)
    else:
        grid = reports.diff_grid(
            arms,
            rows_a,
            rows_b,
            title=f"{arguments.before} (A) → {arguments.after} (B)",
            threshold=threshold,
            forced=arguments.force,
        )
        if arguments.markdown:
            print(grid.markdown(), end="")
        else:
            from rich.console import Console

            Console().print(grid)
    if any(found):
        return EXIT_REGRESSION
    withheld = _withheld(arms)
    if withheld:
        raise UserError(f"{withheld}; --force compares them")
    return EXIT_FINE


def _rows(path: Path) -> list[dict[str, Any]]:
    from runners.records.errors import UserError
    from runners.store.run_folder import STUDY_FILE
    from runners.store.study import stored_records

    rows = [
        record.flat() for record in stored_records(path if path.is_file() else path / STUDY_FILE)
    ]
    if not rows:
        raise UserError(f"no arm of {path} has ended yet; nothing to compare")
    return rows


def _names(arms: Sequence[ArmDiff], side: str) -> str:
    return ", ".join(each.arm for each in arms if each.only_in == side)


def _print_json(arms: Sequence[ArmDiff], found: Sequence[Sequence[str]]) -> None:
    import json

    plain = [{**asdict(a), "regressions": list(r)} for a, r in zip(arms, found, strict=True)]
    print(json.dumps(plain, indent=2))


def _withheld(arms: Sequence[ArmDiff]) -> str:
    """What could not be compared and why, in one line; empty where all could."""
    from reports.diff.notes import obstacles, other_data
    from reports.tables.fingerprints import listed

    said = []
    if any(each.latency_withheld for each in arms):
        said.append(f"latencies could not be compared ({listed(obstacles(arms))})")
    if any(each.accuracy_withheld for each in arms):
        said.append(f"accuracies could not be compared ({listed(other_data(arms))})")
    return ", ".join(said)
