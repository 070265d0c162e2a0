"""`bench.py ablate`: train a base and its changes with paired seeds, and test each difference."""

from __future__ import annotations

import argparse

from runners.cli import measuring_options
from runners.cli.compare import compare_arms
from runners.cli.parser import Commands, path

_MATCHES = ("params", "macs")


def add(commands: Commands) -> None:
    """Add `ablate`."""
    ablate = commands.add_parser(
        "ablate", help="change one factor of an architecture at a time, and test each difference"
    )
    option = ablate.add_argument
    option("config", type=path, metavar="FILE", help="YAML file; see docs/ablations.md")
    ablate.mixer_files()
    ablate.number("--seeds", "paired trainings per arm", 3, "N")
    ablate.number("--epochs", "training epochs (default: those of the file)")
    option(
        "--match",
        choices=_MATCHES,
        default="",
        help="scale the width of each arm until it has the base's parameters or MACs",
    )
    option("--device", choices=("cpu", "cuda"), default="cpu", help="default: %(default)s")
    ablate.number(
        "--workers", "trainings at once (default: as many as the cores feed)", metavar="N"
    )
    measuring_options.add_options(ablate)
    ablate.out("run folder (default: a new one below runs/)")
    ablate.flag("--resume", "continue the run in --out; only --seeds may change, and grow")
    ablate.flag("--cost-only", "measure costs only; train nothing")
    ablate.flag("--json", "print the records as JSON instead of tables")
    ablate.flag("--quiet", "print no progress, only the final table")
    ablate.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Ablate, print the table; the exit code says whether an arm failed."""
    from attention_zoo import add_files
    from runners import data
    from runners.arms import ImageKind
    from runners.jobs.ablation import read_ablation
    from runners.store import run_folder
    from runners.training.recipe import check_batch_size, recipe_for

    # Cheap checks come before images are read and torch is imported.
    add_files(arguments.mixer)
    ablation = read_ablation(arguments.config)
    training = dict(ablation.training)
    name = str(training.pop("dataset", "fashion-mnist-mini"))
    data.require(name)
    resolution = training.pop("resolution", None)
    if arguments.epochs is not None:
        training["epochs"] = arguments.epochs
    recipe = None if arguments.cost_only else recipe_for(name, **training)
    folder = run_folder.choose(arguments.out, [arguments.config.stem], resume=arguments.resume)
    dataset = data.load(name, resolution)
    image = ImageKind(dataset.resolution, dataset.channels, dataset.num_classes)
    arms = ablation.arms(image, arguments.match)
    for changes in (training, *(arm.recipe_changes for arm in arms)):
        check_batch_size(changes.get("batch_size"), len(dataset.train))
    return compare_arms(arguments, arms, dataset, recipe, folder)
