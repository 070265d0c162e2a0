"""`bench.py compare`: train one network per mixer and measure all."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from runners.cli import protocol_options as protocol
from runners.cli.output import show
from runners.cli.parser import EXIT_ARM_FAILED, EXIT_FINE, Commands, positive

if TYPE_CHECKING:
    from runners.training.recipe import Recipe

MIXER_HELP = "a Python file that declares further mixers; may be repeated"


def add(commands: Commands) -> None:
    """Add `compare`."""
    compare = commands.add_parser(
        "compare", help="train one network per mixer, measure all, write table and Pareto plot"
    )
    option = compare.add_argument
    option("names", nargs="*", metavar="ARM", help="mixer, mixer:option=value, or network variant")
    option("--mixer", type=Path, action="append", default=[], metavar="FILE", help=MIXER_HELP)
    option("--dataset", default="fashion-mnist-mini", help="see `data list` (default: %(default)s)")
    option("--variant", help="LOLViT that hosts the mixers (default: by resolution)")
    option("--resolution", type=positive, help="side in pixels (default: the data set's own)")
    option("--seeds", type=positive, default=1, metavar="N", help="runs per arm (default: 1)")
    option("--epochs", type=positive, help="passes over the training images (default: by data set)")
    option("--batch-size", type=positive, help="images a step (default: by data set)")
    option("--learning-rate", type=float, help="peak of the schedule (default: by data set)")
    option("--amp", action="store_true", help="train in bfloat16 where safe")
    option("--device", choices=("cpu", "cuda"), default="cpu")
    protocol.add_options(compare)
    option("--out", type=Path, metavar="FOLDER", help="default: a new folder below runs/")
    option(
        "--resume", action="store_true", help="go on with --out, or the newest run of these arms"
    )
    option("--cost-only", action="store_true", help="measure costs, train nothing")
    option("--json", action="store_true", help="print the records as JSON instead of tables")
    option("--quiet", action="store_true", help="no progress: the final table alone")
    compare.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare, print the table, tell whether an arm failed."""
    from attention_zoo import add_files
    from runners import arms, data
    from runners.store import run_folder

    # What is cheap to check is checked before images are read and torch is imported.
    add_files(arguments.mixer)
    arms.check(arguments.names, arguments.variant)
    data.require(arguments.dataset)
    folder = run_folder.choose(arguments.out, arguments.names, resume=arguments.resume)
    recipe = None if arguments.cost_only else _recipe(arguments)
    dataset = data.load(arguments.dataset, arguments.resolution)
    image = arms.ImageKind(dataset.resolution, dataset.channels, dataset.num_classes)
    arms.resolve(arguments.names, arguments.variant, image)

    from rich.console import Console

    from runners.jobs.compare import Comparison, compare
    from runners.progress.display import Display
    from runners.progress.listener import Watch

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
        protocol=protocol.chosen(arguments, len(arguments.names)),
    )
    records = compare(job, folder, resume=arguments.resume, watch=watch)
    show(records, folder, as_json=arguments.json)
    failed = any(record.state == "failed" for record in records)
    return EXIT_ARM_FAILED if failed else EXIT_FINE


def _recipe(arguments: argparse.Namespace) -> Recipe:
    from dataclasses import replace

    from runners.training.recipe import recipe_for

    options = ("epochs", "batch_size", "learning_rate")
    given = {name: getattr(arguments, name) for name in options}
    given = {name: value for name, value in given.items() if value is not None}
    return replace(recipe_for(arguments.dataset), amp=arguments.amp, **given)
