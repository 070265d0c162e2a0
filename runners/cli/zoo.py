"""`bench.py list`: the available mixers."""

from __future__ import annotations

import argparse
import re
import textwrap
from typing import TYPE_CHECKING

from runners.cli.output import print_table
from runners.cli.parser import EXIT_OK, Commands

if TYPE_CHECKING:
    from attention_zoo import MixerEntry

_MARKS = """
= equal to the authors' formula in all details; ≠ differs, see --verbose;
† reconstructed: neither equations nor code of its paper are available."""


def add(commands: Commands) -> None:
    """Add `list`."""
    listing = commands.add_parser("list", help="list the mixers, or show the details of some")
    listing.add_argument("names", nargs="*", metavar="MIXER", help="with --verbose: only these")
    listing.flag("--verbose", "show costs, parameters, options")
    listing.mixer_files()
    listing.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print one line per mixer, or with --verbose one page per mixer."""
    from attention_zoo import add_files, entries, entry

    add_files(arguments.mixer, run=False)
    names = arguments.names or sorted(entries())
    chosen = [entry(name) for name in names]
    if arguments.verbose:
        for mixer in chosen:
            _print_page(mixer)
        return EXIT_OK
    rows = [
        (mixer.name, _paper_id(mixer.paper), _mark(mixer), mixer.about or mixer.summary)
        for mixer in chosen
    ]
    print_table(("mixer", "arXiv", "evidence", "what it is"), rows)
    print(_MARKS)
    return EXIT_OK


def _paper_id(paper: str) -> str:
    """The number of the first arXiv paper; "" where none is named."""
    match = re.search(r"arXiv (\d{4}\.\d{4,5})", paper)
    return match[1] if match else ""


def _mark(mixer: MixerEntry) -> str:
    if mixer.reconstructed:
        return "†"
    if mixer.differs is None:
        return ""
    return "≠" if mixer.differs else "="


def _print_page(mixer: MixerEntry) -> None:
    """Print the declaration of a mixer and its number of parameters."""
    from rich.console import Console

    console = Console(highlight=False, soft_wrap=True)
    console.print(mixer.name, style="bold", markup=False)
    facts = {
        "MACs": mixer.complexity,
        "parameters": _parameters(mixer),
        "paper": mixer.paper,
        "evidence": mixer.evidence,
        "source": str(mixer.file),
    }
    for option in mixer.options:
        facts[f"option {option.name}"] = f"{option.annotation} = {option.default}"
    for limit, reason in mixer.limits.items():
        facts[f"limit: {limit}"] = reason
    for name, value in facts.items():
        console.print(f"  {name:<20} {value}", markup=False)
    console.print(textwrap.indent(mixer.docstring, "  | "), markup=False)
    console.print()


def _parameters(declaration: MixerEntry) -> str:
    from attention_zoo import build

    counts = []
    for dim, heads in ((64, 4), (128, 4)):
        mixer = build(declaration.name, dim=dim, num_heads=heads)
        count = sum(parameter.numel() for parameter in mixer.parameters())
        counts.append(f"{count:,} at C={dim}, {heads} heads")
    return "; ".join(counts)
