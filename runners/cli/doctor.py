"""`bench.py doctor`: check whether this machine is fit for timing."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from runners.cli.output import print_json
from runners.cli.parser import EXIT_OK, Commands

if TYPE_CHECKING:
    from runners.machine.doctor import Finding

_MARKS = {"ok": ("ok", "green"), "warn": ("warn", "yellow"), "unknown": ("?", "dim")}
# Narrower terminals get value and meaning in one column, one above the other.
_WIDE = 160


def add(commands: Commands) -> None:
    """Add `doctor`."""
    doctor = commands.add_parser("doctor", help="check whether this machine is fit for timing")
    doctor.flag("--json", "print the findings as JSON")
    doctor.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Check this machine and print one line per check; a warning is no failure."""
    from runners.machine.doctor import run_checks

    findings = run_checks()
    if arguments.json:
        rows = [
            {"check": row.check, "state": row.state, "found": row.value, "means": row.meaning}
            for row in findings
        ]
        print_json(rows)
    else:
        _print(findings)
    return EXIT_OK


def _print(findings: Sequence[Finding]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    wide = console.width >= _WIDE
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("", "check", "value", "meaning")[: 4 if wide else 3]:
        table.add_column(title, overflow="fold", no_wrap=title in ("", "check"))
    for finding in findings:
        # Text, so that brackets in a sensor's or a process's name are no markup.
        sentences = [Text(finding.value), Text(finding.meaning)]
        if not wide:
            sentences = [Text("\n").join(sentences)]
        table.add_row(Text(*_MARKS[finding.state]), Text(finding.check), *sentences)
    console.print(table)
