"""`bench.py compare`: train one network per mixer and measure all."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from runners.cli import measuring_options
from runners.cli.output import print_records
from runners.cli.parser import EXIT_ARM_FAILED, EXIT_OK, Commands

if TYPE_CHECKING:
    from runners.arms import Arm
    from runners.data.dataset import Dataset
    from runners.training.recipe import Recipe


def add(commands: Commands) -> None:
    """Add `compare`."""
    compare = commands.add_parser(
        "compare", help="train one network per mixer, measure all, write table and Pareto plot"
    )
    option = compare.add_argument
    option(
        "names",
        nargs="*",
        metavar="ARM",
        help="a mixer, mixer:option=value, or a network such as mobilevit_xs",
    )
    compare.mixer_files()
    option(
        "--dataset",
        default="fashion-mnist-mini",
        help="data set; see: bench.py data list (default: %(default)s)",
    )
    option("--variant", help="LOLViT variant that hosts the mixers (default: by resolution)")
    compare.number("--resolution", "image side in pixels (default: that of the data set)")
    option(
        "--repeat",
        action="append",
        default=[],
        metavar="ARM",
        help="compare an arm with itself (A/A): one more arm of the same architecture",
    )
    compare.number("--seeds", "trainings per arm", 1, "N")
    compare.number("--epochs", "training epochs (default: by data set)")
    compare.number("--batch-size", "images per training step (default: by data set)")
    option("--learning-rate", type=float, help="peak learning rate (default: by data set)")
    compare.flag("--amp", "train with bfloat16 autocast")
    option("--device", choices=("cpu", "cuda"), default="cpu", help="default: %(default)s")
    compare.number(
        "--workers", "trainings at once (default: as many as the cores feed)", metavar="N"
    )
    measuring_options.add_options(compare)
    compare.out("run folder (default: a new one below runs/)")
    compare.flag(
        "--resume",
        "continue the run in --out, or the newest run of these arms; only --seeds may change",
    )
    compare.flag("--cost-only", "measure costs only; train nothing")
    compare.flag("--json", "print the records as JSON instead of tables")
    compare.flag("--quiet", "print no progress, only the final table")
    compare.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare, print the table; the exit code says whether an arm failed."""
    from attention_zoo import add_files
    from runners import arms, data
    from runners.store import run_folder
    from runners.training.recipe import check_batch_size

    # Cheap checks come before images are read and torch is imported.
    add_files(arguments.mixer)
    arms.check(arguments.names, arguments.variant)
    data.require(arguments.dataset)
    names = [*arguments.names, *(f"{name}-repeat" for name in arguments.repeat)]
    folder = run_folder.choose(arguments.out, names, resume=arguments.resume)
    recipe = None if arguments.cost_only else _recipe(arguments)
    dataset = data.load(arguments.dataset, arguments.resolution)
    check_batch_size(arguments.batch_size, len(dataset.train))
    image = arms.ImageKind(dataset.resolution, dataset.channels, dataset.num_classes)
    resolved = arms.resolve(arguments.names, arguments.variant, image, arguments.repeat)

    return compare_arms(arguments, resolved, dataset, recipe, folder)


def compare_arms(
    arguments: argparse.Namespace,
    arms: Sequence[Arm],
    dataset: Dataset,
    recipe: Recipe | None,
    folder: Path,
) -> int:
    """Compare arms as the options of `compare` and `ablate` ask for, and print the table."""
    from rich.console import Console

    from runners.jobs.compare import Comparison, compare
    from runners.progress.display import ProgressDisplay
    from runners.progress.listener import Listener

    tables = None if arguments.json or arguments.cost_only else Console()
    quiet = arguments.quiet
    listener = Listener() if quiet else ProgressDisplay(Console(stderr=True), tables)
    job = Comparison(
        arms=arms,
        dataset=dataset,
        recipe=recipe,
        seeds=arguments.seeds,
        device=arguments.device,
        threads=arguments.threads,
        workers=arguments.workers,
        protocol=measuring_options.to_protocol(arguments, len(arms)),
    )
    records = compare(job, folder, listener)
    print_records(records, folder, as_json=arguments.json)
    failed = any(record.state == "failed" for record in records)
    return EXIT_ARM_FAILED if failed else EXIT_OK


def _recipe(arguments: argparse.Namespace) -> Recipe:
    from runners.training.recipe import recipe_for

    return recipe_for(
        arguments.dataset,
        amp=arguments.amp,
        epochs=arguments.epochs,
        batch_size=arguments.batch_size,
        learning_rate=arguments.learning_rate,
    )
