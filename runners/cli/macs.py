"""`bench.py macs`: MACs as a function of the input size, by formula."""

from __future__ import annotations

import argparse

from runners.cli.measure import TARGETS_HELP, parse_targets, print_errors
from runners.cli.output import print_json, print_table
from runners.cli.parser import EXIT_OK, Commands, positive

_SIDES = (128, 160, 192, 224, 256)


def add(commands: Commands) -> None:
    """Add `macs`."""
    macs = commands.add_parser("macs", help="MACs as a function of the input size, by formula")
    option = macs.add_argument
    option("targets", nargs="+", metavar="TARGET", help=TARGETS_HELP)
    macs.mixer_files()
    sides = " ".join(map(str, _SIDES))
    option("--sides", type=positive, nargs="+", default=_SIDES, help=f"default: {sides}")
    macs.number("--heads", "of single mixers", 4)
    macs.flag("--json", "print the numbers by target and side as JSON")
    macs.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print one row per target and one column per side."""
    from attention_zoo import add_files

    add_files(arguments.mixer)
    targets, errors = parse_targets(arguments.targets, arguments.heads)
    macs = {}
    if targets:
        from runners.measure.counting import macs_by_side
        from runners.records.errors import first_line

        for target in targets:
            try:
                macs[target.name] = macs_by_side(target, arguments.sides)
            except Exception as error:  # a foreign network may raise anything
                errors.append(f"{target.name}: {first_line(error)}")
    if arguments.json:
        print_json(macs)
    elif macs:
        rows = [(name, *(f"{n:,}" for n in by_side.values())) for name, by_side in macs.items()]
        print_table(("MACs", *map(str, arguments.sides)), rows)
    return print_errors(errors) if errors else EXIT_OK
