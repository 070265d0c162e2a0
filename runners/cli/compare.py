"""`bench.py compare`: train one network per mixer and measure all."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from runners.cli import measuring_options
from runners.cli.output import print_records
from runners.cli.parser import EXIT_ARM_FAILED, EXIT_OK, Commands, positive

if TYPE_CHECKING:
    from runners.training.recipe import Recipe

MIXER_HELP = "Python file that declares more mixers; may be repeated"


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
    option("--mixer", type=Path, action="append", default=[], metavar="FILE", help=MIXER_HELP)
    option(
        "--dataset",
        default="fashion-mnist-mini",
        help="data set; see: bench.py data list (default: %(default)s)",
    )
    option("--variant", help="LOLViT variant that hosts the mixers (default: by resolution)")
    option(
        "--resolution", type=positive, help="image side in pixels (default: that of the data set)"
    )
    option(
        "--repeat",
        action="append",
        default=[],
        metavar="ARM",
        help="compare an arm with itself (A/A): one more arm of the same architecture",
    )
    option("--seeds", type=positive, default=1, metavar="N", help="trainings per arm (default: 1)")
    option("--epochs", type=positive, help="training epochs (default: by data set)")
    option("--batch-size", type=positive, help="images per training step (default: by data set)")
    option("--learning-rate", type=float, help="peak learning rate (default: by data set)")
    option("--amp", action="store_true", help="train with bfloat16 autocast")
    option("--device", choices=("cpu", "cuda"), default="cpu", help="default: %(default)s")
    measuring_options.add_options(compare)
    option("--out", type=Path, metavar="FOLDER", help="run folder (default: a new one below runs/)")
    option(
        "--resume",
        action="store_true",
        help="continue the run in --out, or the newest run of these arms; only --seeds may change",
    )
    option("--cost-only", action="store_true", help="measure costs only; train nothing")
    option("--json", action="store_true", help="print the records as JSON instead of tables")
    option("--quiet", action="store_true", help="print no progress, only the final table")
    compare.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare, print the table; the exit code says whether an arm failed."""
    from attention_zoo import add_files
    from runners import arms, data
    from runners.store import run_folder

    # Cheap checks come before images are read and torch is imported.
    add_files(arguments.mixer)
    arms.check(arguments.names, arguments.variant)
    data.require(arguments.dataset)
    names = [*arguments.names, *(f"{name}-repeat" for name in arguments.repeat)]
    folder = run_folder.choose(arguments.out, names, resume=arguments.resume)
    recipe = None if arguments.cost_only else _recipe(arguments)
    dataset = data.load(arguments.dataset, arguments.resolution)
    image = arms.ImageKind(dataset.resolution, dataset.channels, dataset.num_classes)
    arms.resolve(arguments.names, arguments.variant, image, arguments.repeat)

    from rich.console import Console

    from runners.jobs.compare import Comparison, compare
    from runners.progress.display import ProgressDisplay
    from runners.progress.listener import Listener

    tables = None if arguments.json or arguments.cost_only else Console()
    quiet = arguments.quiet
    listener = Listener() if quiet else ProgressDisplay(Console(stderr=True), tables)
    job = Comparison(
        names=arguments.names,
        host=arguments.variant,
        dataset=dataset,
        recipe=recipe,
        seeds=arguments.seeds,
        device=arguments.device,
        threads=arguments.threads,
        protocol=measuring_options.to_protocol(
            arguments, len(arguments.names) + len(arguments.repeat)
        ),
        repeats=arguments.repeat,
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
