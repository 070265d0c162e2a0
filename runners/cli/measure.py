"""`bench.py measure`: the costs of mixers, networks, timm models and Python functions."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from runners.cli import measuring_options
from runners.cli.output import print_records, print_table
from runners.cli.parser import EXIT_ARM_FAILED, EXIT_OK, EXIT_USAGE, Commands
from runners.records.errors import UserError

if TYPE_CHECKING:
    from runners.measure.targets import Target

TARGETS_HELP = (
    "mixer on a map (fwa@56x56x64), network (lolvit_xs, mobilevit_xs@192), timm:MODEL, "
    "package.module:function"
)


def add(commands: Commands) -> None:
    """Add `measure`."""
    measure = commands.add_parser(
        "measure", help="MACs, latency, throughput, memory and energy of any networks"
    )
    option = measure.add_argument
    option("targets", nargs="+", metavar="TARGET", help=TARGETS_HELP)
    measure.mixer_files()
    option(
        "--forms", nargs="+", default=["eager"], metavar="FORM", help=measuring_options.FORMS_HELP
    )
    measure.number("--resolution", "image side of networks named without @SIZE")
    measure.number("--heads", "attention heads of single mixers", 4)
    option("--device", choices=("cpu", "cuda"), default="cpu")
    measuring_options.add_options(measure)
    measure.flag("--explain", "compare the MACs with those of other counters")
    measure.flag("--modules", "print the MACs of every module")
    measure.out("run folder (default: a new folder below runs/)")
    measure.flag("--json", "print the records as JSON instead of tables")
    measure.flag("--quiet", "print only the final table, no progress")
    measure.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure all targets and print the table; an error of one target affects no other."""
    from attention_zoo import add_files
    from runners.store import run_folder

    add_files(arguments.mixer)
    plan = measuring_options.to_protocol(arguments, len(arguments.targets) * len(arguments.forms))
    targets, errors = parse_targets(arguments.targets, arguments.heads, arguments.resolution)
    if not targets:
        return print_errors(errors)
    folder = run_folder.choose(arguments.out, [target.name for target in targets], resume=None)

    from rich.console import Console

    from runners.jobs.measure import Measurement, measure_targets
    from runners.progress.display import ProgressDisplay
    from runners.progress.listener import Listener

    listener = Listener() if arguments.quiet else ProgressDisplay(Console(stderr=True))
    job = Measurement(targets, arguments.forms, arguments.device, plan)
    result = measure_targets(job, folder, listener)
    print_records(result.records, folder, as_json=arguments.json)
    if arguments.modules and not arguments.json:
        for record in result.records:
            if record.costs is not None and record.costs.form == arguments.forms[0]:
                _print_modules(record.name, record.costs.macs_by_module)
    if arguments.explain and not arguments.json:
        for target in targets:
            _explain(target, arguments.patience)
    if errors or result.refusals:
        return print_errors([*errors, *result.refusals])
    failed = any(record.state == "failed" for record in result.records)
    return EXIT_ARM_FAILED if failed else EXIT_OK


def parse_targets(
    texts: list[str], heads: int, resolution: int | None = None
) -> tuple[list[Target], list[str]]:
    """Parse targets; return them and one message for each text that is not a target.

    `resolution` is the image side of networks without one of their own.
    """
    from attention_zoo import entries
    from attention_zoo.registry import MixerError
    from lolvit.fields import ArchitectureError
    from runners.measure.targets import parse_target

    targets, errors = [], []
    for text in texts:
        try:
            sized = resolution is None or "@" in text or text.partition(":")[0] in entries()
            targets.append(parse_target(text if sized else f"{text}@{resolution}", heads))
        except (UserError, MixerError, ArchitectureError) as error:
            errors.append(str(error))
    return targets, errors


def print_errors(errors: list[str]) -> int:
    """Print one line for each error; return the exit code."""
    for error in errors:
        print(f"bench.py: {' '.join(error.split())}", file=sys.stderr)
    return EXIT_USAGE


def _print_modules(name: str, macs: dict[str, int]) -> None:
    """Print every module with MACs; a parent has the sum of its children."""
    print(f"\nMACs by module: {name}")
    rows = [(module or "(all)", f"{count:,}") for module, count in macs.items() if count]
    print_table(("module", "MACs"), rows)


def _explain(target: Target, patience_s: float) -> None:
    """Print one table per counter; a target that cannot be counted has the reason in its row."""
    from runners.measure.counting import explain_target, explanation_rows
    from runners.processes.isolated import ProcessFailed, run_isolated

    try:
        explanations = run_isolated(patience_s, explain_target, target)
    except (ProcessFailed, UserError) as error:
        print(f"\nMACs of {target.name}: nothing to explain ({error})")
        return
    for explanation in explanations:
        print(f"\nMACs of {target.name}: what {explanation.counter} makes of them")
        header = ("operators", "ours", "theirs", "difference", "note")
        print_table(header, explanation_rows(explanation))
