"""`bench.py sweep`: search a space for architectures that are worth their cost."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from runners.cli.parser import EXIT_ARM_FAILED, EXIT_FINE, Commands, positive, seconds

if TYPE_CHECKING:
    from runners.jobs.sweep import Engine, Sweep
    from runners.search.config import SweepConfig
    from search_space import Space, Values

ENGINES = ("local", "ray", "tabular")


def add(commands: Commands) -> None:
    """Add `sweep`."""
    sweep = commands.add_parser(
        "sweep", help="search a space: train, measure, stop early, publish the Pareto front"
    )
    option = sweep.add_argument
    option("file", type=Path, metavar="FILE", help="a sweep in YAML, such as those in configs/")
    option("--engine", choices=ENGINES, default="local", help="where trials run (default: local)")
    option("--processes", type=positive, metavar="N", help="trials at once (default: by cores)")
    option("--trials", type=positive, metavar="N", help="results wanted (default: as in FILE)")
    option("--time-budget", type=seconds, metavar="TIME", help="2h, 90m: end, publish, go on later")
    option("--out", type=Path, metavar="FOLDER", help="default: a new folder below runs/")
    option("--resume", action="store_true", help="go on where the last call ended, or begin")
    option("--name", help="of the sweep and its study (default: of FILE)")
    option("--storage", metavar="URL", help="postgresql://...; default: a file in the run folder")
    option("--address", help="of a Ray cluster, or auto (default: a Ray of its own)")
    option("--storage-path", metavar="PLACE", help="a folder that all Ray nodes see, or a URI")
    option("--cpus", type=float, default=1.0, help="of a trial on Ray (default: 1)")
    option("--gpus", type=float, default=0.0, help="of a trial on Ray (default: 0)")
    option("--enqueue", type=Path, metavar="FILE", help="look at these first: YAML, JSON or CSV")
    option("--from", dest="origin", type=Path, metavar="RUN", help="begin with the front of a run")
    option(
        "--mixer", type=Path, action="append", default=[], metavar="FILE", help=argparse.SUPPRESS
    )
    option("--quiet", action="store_true", help="no progress: the front alone")
    sweep.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Search, print the front, tell whether nothing came of it."""
    from attention_zoo import add_files
    from runners.jobs.sweep import sweep
    from runners.search.config import read_sweep
    from runners.store import run_folder

    add_files(arguments.mixer)
    _check(arguments)
    config = read_sweep(arguments.file)
    name = arguments.name or arguments.file.stem
    folder = run_folder.choose(
        arguments.out, [name], resume=arguments.resume, holds=run_folder.SWEEP_FILE, or_begin=True
    )
    job = _job(arguments, config, name, folder)

    from rich.console import Console

    from runners.progress.search_display import SearchDisplay
    from runners.progress.search_listener import SearchWatch

    watch = SearchWatch()
    if not arguments.quiet:
        lines = not job.evaluator.immediate
        watch = SearchDisplay(Console(stderr=True), job.trials, config.objectives, lines=lines)
    outcome = sweep(job, folder, _engine(arguments, job, folder), watch)
    if outcome.why:
        print(f"ended early: {outcome.why}", file=sys.stderr)
    if outcome.publication is None or not outcome.publication.front:
        print(f"no trial finished; see {folder / 'trials.csv'}", file=sys.stderr)
        return EXIT_ARM_FAILED
    from reports import sweep_terminal

    Console().print(sweep_terminal(outcome.publication))
    print(f"{outcome.publication.text}; see {folder}")
    return EXIT_FINE


def _check(arguments: argparse.Namespace) -> None:
    """Raise UserError for options that do not go together."""
    from runners.records.errors import UserError

    if arguments.engine != "ray":
        for option in ("address", "storage_path"):
            if getattr(arguments, option) is not None:
                raise UserError(f"--{option.replace('_', '-')} needs --engine ray")


def _job(arguments: argparse.Namespace, config: SweepConfig, name: str, folder: Path) -> Sweep:
    from runners.jobs.sweep import CHECKPOINTS, Sweep
    from runners.search.prepare import prepare, prepare_tabular

    if arguments.engine == "tabular":
        prepared = prepare_tabular(config, arguments.processes)
    else:
        prepared = prepare(config, _shared(arguments, folder) / CHECKPOINTS)
    return Sweep(
        name=name,
        config=config,
        space=prepared.space,
        evaluator=prepared.evaluator,
        epochs=prepared.epochs,
        storage=arguments.storage,
        resume=arguments.resume,
        trials=arguments.trials or config.trials,
        budget_s=arguments.time_budget,
        seeds=_seeds(arguments, config, prepared.space),
        latency_note=prepared.latency_note,
    )


def _shared(arguments: argparse.Namespace, folder: Path) -> Path:
    """Where checkpoints lie: all nodes see it, unless Ray carries them to a URI and back."""
    place = arguments.storage_path
    return (folder if place is None or "://" in place else Path(place)).absolute()


def _seeds(arguments: argparse.Namespace, config: SweepConfig, space: Space) -> list[Values]:
    from runners.search import warm_starts

    found = warm_starts.locate_variants(config.enqueue, space)
    if arguments.enqueue is not None:
        found += warm_starts.read_file(arguments.enqueue, space)
    if arguments.origin is not None:
        inside, outside = warm_starts.read_front(arguments.origin, space)
        if outside:
            total = outside + len(inside)
            print(
                f"{outside} of {total} architectures of {arguments.origin} are not in this space",
                file=sys.stderr,
            )
        found += inside
    return found


def _engine(arguments: argparse.Namespace, job: Sweep, folder: Path) -> Engine:
    if arguments.engine == "ray":
        from runners.engines.ray import RayOptions, run

        options = RayOptions(
            address=arguments.address,
            cpus=arguments.cpus,
            gpus=arguments.gpus,
            max_concurrent=arguments.processes,
        )
        place = arguments.storage_path
        path = place if place and "://" in place else _shared(arguments, folder) / "ray"
        return partial(run, options=options, storage_path=path, name=job.name)
    from runners.engines import local

    processes = arguments.processes
    if processes is None and not job.evaluator.immediate:
        import torch

        training = job.config.training
        threads = training.threads if training is not None else 1
        processes = local.default_processes(torch.device(job.config.device), threads)
    return partial(local.run, processes=processes or 1)
