"""`bench.py list`: what is in the zoo."""

from __future__ import annotations

import argparse
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

from runners.cli.compare import MIXER_HELP
from runners.cli.output import print_table
from runners.cli.parser import EXIT_FINE, Commands

if TYPE_CHECKING:
    from attention_zoo import MixerEntry


def add(commands: Commands) -> None:
    """Add `list`."""
    listing = commands.add_parser("list", help="show every mixer, or all about some")
    listing.add_argument("names", nargs="*", metavar="MIXER", help="with --verbose: only these")
    listing.add_argument("--verbose", action="store_true", help="cost, parameters, options, limits")
    listing.add_argument(
        "--mixer", type=Path, action="append", default=[], metavar="FILE", help=MIXER_HELP
    )
    listing.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print one line a mixer, or a page each."""
    from attention_zoo import add_files, entries, entry

    add_files(arguments.mixer)
    names = arguments.names or sorted(entries())
    chosen = [entry(name) for name in names]
    if arguments.verbose:
        for each in chosen:
            _page(each)
        return EXIT_FINE
    rows = [
        (
            each.name,
            each.summary,
            each.complexity,
            each.paper,
            "reconstructed" if each.reconstructed else "published",
        )
        for each in chosen
    ]
    print_table(("mixer", "what it computes", "MACs", "paper", "evidence"), rows)
    return EXIT_FINE


def _page(each: MixerEntry) -> None:
    """Everything the registry and one instance know of a mixer."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    console.print(each.name, style="bold", markup=False)
    evidence = "reconstructed, see below" if each.reconstructed else "published equations or code"
    facts = {
        "MACs": each.complexity,
        "parameters": _parameters(each),
        "paper": each.paper,
        "evidence": evidence,
        "source": str(each.file),
    }
    for option in each.options:
        facts[f"option {option.name}"] = f"{option.annotation} = {option.default}"
    for what, why in each.limits.items():
        facts[f"limit: {what}"] = why
    for name, value in facts.items():
        console.print(f"  {name:<20} {value}", markup=False)
    console.print(textwrap.indent(each.docstring, "  | "), markup=False)
    console.print()


def _parameters(each: MixerEntry) -> str:
    from attention_zoo import build

    sizes = []
    for dim, heads in ((64, 4), (128, 4)):
        mixer = build(each.name, dim=dim, num_heads=heads)
        count = sum(parameter.numel() for parameter in mixer.parameters())
        sizes.append(f"{count:,} at C={dim}, {heads} heads")
    return "; ".join(sizes)
