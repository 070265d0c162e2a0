"""`bench.py diff`: compare two stored runs arm by arm and detect regressions."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from runners.cli.output import print_json
from runners.cli.parser import EXIT_OK, Commands, path, share

if TYPE_CHECKING:
    from reports.diff.arm_diff import ArmDiff

EXIT_REGRESSION = 1


def add(commands: Commands) -> None:
    """Add `diff`."""
    diff = commands.add_parser("diff", help="compare two stored runs; exit code 1 on a regression")
    option = diff.add_argument
    option(
        "before",
        type=path,
        metavar="RUN_A",
        help="the run before: a folder below runs/, or its study.db",
    )
    option(
        "after", type=path, metavar="RUN_B", help="the run after: the one that may have regressed"
    )
    option(
        "--fail-over",
        type=share,
        default="5%",
        metavar="SHARE",
        help="smallest change for the worse that is a regression, as 5%% or 0.05 (default: 5%%)",
    )
    diff.flag("--force", "compare even what was measured under different conditions")
    form = diff.add_mutually_exclusive_group()
    form.add_argument(
        "--json", action="store_true", help="print JSON: a list with one object per arm"
    )
    form.add_argument("--markdown", action="store_true", help="print a Markdown table")
    diff.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print what changed; exit code 1 on a regression, 2 if anything is not comparable, or 0.

    A regression takes precedence over what could not be compared: it is certain.
    """
    import reports
    from reports.diff.arm_diff import find_regressions
    from runners.records.errors import UserError

    rows_a, rows_b = _rows(arguments.before), _rows(arguments.after)
    arms = reports.diff_runs(rows_a, rows_b, force=arguments.force)
    if all(arm.only_in for arm in arms):
        raise UserError(
            f"{arguments.before} and {arguments.after} have no arm in common: "
            f"{_names(arms, 'A')} in the first, {_names(arms, 'B')} in the second"
        )
    threshold = arguments.fail_over
    regressions = [find_regressions(arm, threshold) for arm in arms]
    if arguments.json:
        _print_json(arms, regressions)
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
    if any(regressions):
        return EXIT_REGRESSION
    if reason := _reason_withheld(arms):
        raise UserError(f"{reason}; use --force to compare them nevertheless")
    return EXIT_OK


def _rows(path: Path) -> list[dict[str, Any]]:
    from runners.records.errors import UserError
    from runners.store.run_folder import STUDY_FILE
    from runners.store.study import read_records

    rows = [record.flat() for record in read_records(path if path.is_file() else path / STUDY_FILE)]
    if not rows:
        raise UserError(f"nothing to compare: no arm of {path} has finished or failed yet")
    return rows


def _names(arms: Sequence[ArmDiff], side: str) -> str:
    return ", ".join(arm.arm for arm in arms if arm.only_in == side)


def _print_json(arms: Sequence[ArmDiff], regressions: Sequence[Sequence[str]]) -> None:
    objects = [
        {**asdict(arm), "regressions": list(texts)}
        for arm, texts in zip(arms, regressions, strict=True)
    ]
    print_json(objects)


def _reason_withheld(arms: Sequence[ArmDiff]) -> str:
    """What is not comparable and why, on one line; empty where everything is."""
    from reports.diff.notes import merge_differing
    from reports.tables.fingerprints import list_values

    parts = []
    if any(arm.is_latency_withheld for arm in arms):
        differing = merge_differing(arm.costs_differing for arm in arms)
        parts.append(f"latencies are not comparable ({list_values(differing)})")
    if any(arm.is_accuracy_withheld for arm in arms):
        differing = merge_differing(arm.data_differing for arm in arms)
        parts.append(f"accuracies are not comparable ({list_values(differing)})")
    return ", ".join(parts)
