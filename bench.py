"""The front door: parse the command line, call one job, print, choose the exit code.

Imports happen where they are used: `--help` and `list` must not wait for torch.
"""

from __future__ import annotations

import argparse
import errno
import json
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import TaskID

    from runners.record import Record
    from runners.training.recipe import Recipe

EXIT_FINE, EXIT_ARM_FAILED, EXIT_USAGE, EXIT_INTERRUPTED = 0, 1, 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; the exit code is 0, 1 (an arm failed), 2 (usage) or 130 (interrupted)."""
    arguments = _parser().parse_args(_expand(sys.argv[1:] if argv is None else argv))
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        code: int = arguments.run(arguments)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader of a pipe went away: nothing to complain about
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_FINE
    except KeyboardInterrupt:
        return _fail("interrupted; what is finished is kept, --resume goes on", EXIT_INTERRUPTED)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        return _fail(f"no space left on the disk of {error.filename or 'the output'}", EXIT_USAGE)
    except Exception as error:
        if not _is_users(error):
            raise
        return _fail(str(error), EXIT_USAGE)
    return code


def _expand(argv: Sequence[str]) -> list[str]:
    """`--compare A B`, anywhere in the line, is short for the subcommand `compare A B`."""
    argv = list(argv)
    if "--compare" not in argv:
        return argv
    index = argv.index("--compare")
    return ["compare", *argv[index + 1 :], *argv[:index]]


def _is_users(error: Exception) -> bool:
    """Whether the mistake is the user's: the rooms have exceptions of their own for those."""
    from attention_zoo.registry import MixerError
    from lolvit.config import ArchitectureError
    from runners.errors import UserError

    return isinstance(error, UserError | MixerError | ArchitectureError)


def _fail(message: str, code: int) -> int:
    print(f"bench.py: {' '.join(message.split())}", file=sys.stderr)
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bench.py",
        description="Benchmarks for light vision attention. LOLViT and FWA are reconstructions "
        "from the abstract of arXiv 2508.01385.",
        epilog="--compare A B C is short for the subcommand: compare A B C",
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_compare(commands)
    listing = commands.add_parser("list", help="show every mixer")
    listing.set_defaults(run=_list)
    report = commands.add_parser("report", help="write a run's tables and figure again")
    report.add_argument("folder", type=Path, metavar="RUN", help="a folder below runs/")
    report.set_defaults(run=_report)
    data = commands.add_parser("data", help="list or fetch data sets")
    actions = data.add_subparsers(required=True, metavar="ACTION")
    actions.add_parser("list", help="show every data set").set_defaults(run=_data_list)
    fetch = actions.add_parser("fetch", help="get a full data set into the cache")
    fetch.add_argument("name", help="fashion-mnist or cifar10")
    fetch.set_defaults(run=_data_fetch)
    return parser


def _add_compare(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    compare = commands.add_parser(
        "compare", help="train one network per mixer, measure all, write table and Pareto plot"
    )
    add = compare.add_argument
    add("names", nargs="*", metavar="ARM", help="mixer, mixer:option=value, or network variant")
    add("--dataset", default="fashion-mnist-mini", help="see `data list` (default: %(default)s)")
    add("--variant", help="LOLViT that hosts the mixers (default: by resolution)")
    add("--resolution", type=_positive, help="side in pixels (default: the data set's own)")
    add("--seeds", type=_positive, default=1, metavar="N", help="runs per arm (default: 1)")
    add("--epochs", type=_positive, help="passes over the training images (default: by data set)")
    add("--batch-size", type=_positive, help="images a step (default: by data set)")
    add("--learning-rate", type=float, help="peak of the schedule (default: by data set)")
    add("--amp", action="store_true", help="train in bfloat16 where safe")
    add("--device", choices=("cpu", "cuda"), default="cpu")
    add("--threads", type=_positive, help="CPU threads a training (default: 1)")
    add("--out", type=Path, metavar="FOLDER", help="default: a new folder below runs/")
    add("--resume", action="store_true", help="go on with --out, or the newest run of these arms")
    add("--cost-only", action="store_true", help="measure costs, train nothing")
    add("--json", action="store_true", help="print the records as JSON instead of tables")
    add("--quiet", action="store_true", help="no progress: the final table alone")
    compare.set_defaults(run=_compare)


def _positive(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text!r}")
    return value


def _compare(arguments: argparse.Namespace) -> int:
    from runners import arms, data, run_folder

    # What is cheap to check is checked before images are read and torch is imported.
    arms.check(arguments.names, arguments.variant)
    data.require(arguments.dataset)
    folder = run_folder.choose(arguments.out, arguments.names, resume=arguments.resume)
    recipe = None if arguments.cost_only else _recipe(arguments)
    dataset = data.load(arguments.dataset, arguments.resolution)
    image = arms.ImageKind(dataset.resolution, dataset.channels, dataset.num_classes)
    arms.resolve(arguments.names, arguments.variant, image)

    from rich.console import Console

    from runners.display import Display
    from runners.jobs.compare import Comparison, compare
    from runners.watch import Watch

    console = Console()
    tables = None if arguments.json or arguments.cost_only else console
    watch = Watch() if arguments.quiet else Display(Console(stderr=True), tables)
    job = Comparison(
        names=arguments.names,
        host=arguments.variant,
        dataset=dataset,
        recipe=recipe,
        seeds=arguments.seeds,
        device=arguments.device,
        threads=arguments.threads,
    )
    records = compare(job, folder, resume=arguments.resume, watch=watch)
    _show(records, folder, as_json=arguments.json)
    failed = any(record.state == "failed" for record in records)
    return EXIT_ARM_FAILED if failed else EXIT_FINE


def _recipe(arguments: argparse.Namespace) -> Recipe:
    from dataclasses import replace

    from runners.training.recipe import recipe_for

    options = ("epochs", "batch_size", "learning_rate")
    given = {name: getattr(arguments, name) for name in options}
    given = {name: value for name, value in given.items() if value is not None}
    return replace(recipe_for(arguments.dataset), amp=arguments.amp, **given)


def _show(records: Sequence[Record], folder: Path, *, as_json: bool) -> None:
    if as_json:
        print(json.dumps([record.model_dump(mode="json") for record in records], indent=2))
        return
    from rich.console import Console

    import reports
    from runners.write_report import title

    console = Console()
    rows = [record.flat() for record in records]
    console.print(reports.terminal(reports.summarise(rows, title=title(records))))
    console.print(f"\nFiles: {folder}/", markup=False, highlight=False, soft_wrap=True)


def _report(arguments: argparse.Namespace) -> int:
    from runners.errors import UserError
    from runners.run_folder import STUDY_FILE
    from runners.study import stored_records
    from runners.write_report import write_report

    records = stored_records(arguments.folder / STUDY_FILE)
    if not records:
        raise UserError(f"no arm of {arguments.folder} has ended yet; nothing to report")
    write_report(records, arguments.folder)
    _show(records, arguments.folder, as_json=False)
    return EXIT_FINE


def _list(arguments: argparse.Namespace) -> int:
    from attention_zoo import entries

    rows = [
        (
            name,
            entry.summary,
            entry.complexity,
            entry.paper,
            "reconstructed" if entry.reconstructed else "published",
        )
        for name, entry in sorted(entries().items())
    ]
    _print_table(("mixer", "what it computes", "MACs", "paper", "evidence"), rows)
    return EXIT_FINE


def _data_list(arguments: argparse.Namespace) -> int:
    from runners.data import describe

    rows = [tuple(row.values()) for row in describe()]
    _print_table(("name", "what", "images", "licence", "on this machine"), rows)
    return EXIT_FINE


def _data_fetch(arguments: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.progress import DownloadColumn, Progress, TransferSpeedColumn

    from runners.data.fetch import fetch

    console = Console(stderr=True)
    columns = (*Progress.get_default_columns(), DownloadColumn(), TransferSpeedColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        tasks: dict[str, TaskID] = {}

        def show(what: str, done: int, total: int | None) -> None:
            if what not in tasks:
                tasks[what] = progress.add_task(what, total=total)
            progress.update(tasks[what], completed=done, total=total)

        path = fetch(arguments.name, show)
    print(f"{arguments.name} is in {path}")
    return EXIT_FINE


def _print_table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console().print(table)


if __name__ == "__main__":
    raise SystemExit(main())
