"""`bench.py sweep`: search a space for architectures that are worth their cost."""

from __future__ import annotations

import argparse
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from runners.cli.output import print_json
from runners.cli.parser import (
    EXIT_ARM_FAILED,
    EXIT_OK,
    Commands,
    Parser,
    non_empty,
    one_line_text,
    path,
    seconds,
)

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
    option("file", type=path, metavar="FILE", help="a sweep in YAML, such as those in configs/")
    option(
        "--engine", choices=ENGINES, default="local", help="where trials run (default: %(default)s)"
    )
    sweep.number(
        "--workers", "trials that run at once (default: as many as the cores feed)", metavar="N"
    )
    sweep.old_spelling("--processes", "--workers")
    sweep.number("--trials", "number of results wanted (default: as in FILE)", metavar="N")
    sweep.patience()
    option(
        "--time-budget",
        type=seconds,
        metavar="TIME",
        help="stop after 2h, 90m or 45s and publish; --resume continues later",
    )
    sweep.out()
    sweep.flag(
        "--resume",
        "continue the sweep in --out, or the newest one of FILE; start it if there is none",
    )
    option(
        "--name",
        type=one_line_text,
        help="name of the sweep and its study (default: the name of FILE)",
    )
    option(
        "--storage",
        type=non_empty,
        metavar="URL",
        help="database of the study, postgresql://... (default: a file in the run folder)",
    )
    _add_ray_options(sweep)
    option(
        "--enqueue",
        type=path,
        metavar="FILE",
        help="architectures to evaluate first, as YAML, JSON or CSV",
    )
    option(
        "--from",
        dest="origin",
        type=path,
        metavar="RUN",
        help="evaluate the Pareto front of another sweep first",
    )
    sweep.mixer_files()
    sweep.flag("--no-recheck", "do not time the front again, together, before publishing it")
    sweep.flag("--json", "print the Pareto front as JSON instead of a table")
    sweep.flag("--quiet", "print no progress, only the Pareto front")
    sweep.set_defaults(run=run)


def _add_ray_options(sweep: Parser) -> None:
    option = sweep.add_argument
    option("--address", help="address of a Ray cluster, or auto (default: start a local Ray)")
    option(
        "--storage-path",
        metavar="PATH",
        help="folder that all Ray nodes share, or a URI (default: the run folder)",
    )
    option("--cpus", type=float, default=1.0, help="CPUs of a trial on Ray (default: 1)")
    option("--gpus", type=float, default=0.0, help="GPUs of a trial on Ray (default: 0)")


def run(arguments: argparse.Namespace) -> int:
    """Search, print the Pareto front; the exit code says whether there is one."""
    from attention_zoo import add_files
    from runners.jobs.sweep import sweep
    from runners.search.config import read_sweep
    from runners.store import run_folder

    add_files(arguments.mixer)
    _check(arguments)
    config = read_sweep(arguments.file)
    name = arguments.name or arguments.file.stem
    folder = run_folder.choose(
        arguments.out, [name], resume=arguments.resume, holds=run_folder.SWEEP_FILE, or_start=True
    )
    job = _job(arguments, config, name, folder)

    from rich.console import Console

    from runners.progress.display import ProgressDisplay
    from runners.progress.listener import Listener

    listener = Listener()
    if not arguments.quiet:
        listener = ProgressDisplay(
            Console(stderr=True),
            objectives=config.objectives,
            total=job.trials,
            lines=not job.evaluator.immediate,
        )
    result = sweep(job, folder, _engine(arguments, job, folder), listener)
    if result.stop_reason:
        print(f"stopped early: {result.stop_reason}", file=sys.stderr)
    publication = result.publication
    if arguments.json:
        front = publication.front if publication is not None else ()
        print_json(
            {
                "folder": str(folder),
                "objectives": config.objectives,
                "counts": result.counts,
                "stop_reason": result.stop_reason,
                "front": [dict(row) for row in front],
            }
        )
    if publication is None or not publication.front:
        print(f"no trial finished; see {folder / 'trials.csv'}", file=sys.stderr)
        return EXIT_ARM_FAILED
    if not arguments.json:
        from reports import sweep_terminal

        Console().print(sweep_terminal(publication))
        print(f"{publication.text}; see {folder}")
    return EXIT_OK


def _check(arguments: argparse.Namespace) -> None:
    """Raise UserError for options that exclude each other, and for an invalid storage."""
    from runners.records.errors import UserError
    from runners.store.location import parse_location

    if arguments.storage is not None:
        parse_location(arguments.storage)
    if arguments.engine != "ray":
        for option in ("address", "storage_path"):
            if getattr(arguments, option) is not None:
                raise UserError(f"--{option.replace('_', '-')} requires --engine ray")


def _job(arguments: argparse.Namespace, config: SweepConfig, name: str, folder: Path) -> Sweep:
    from runners.evaluators.prepare import prepare, prepare_tabular, require_machine
    from runners.evaluators.trained import TrainedEvaluator, TrialCosts
    from runners.jobs.sweep import Sweep
    from runners.store.run_folder import CHECKPOINTS

    if arguments.engine == "tabular":
        prepared = prepare_tabular(config, arguments.workers)
    else:
        if arguments.engine == "local":  # the nodes of a cluster may have what this machine lacks
            require_machine(config)
        prepared = prepare(config, _shared_folder(arguments, folder) / CHECKPOINTS)
    if prepared.skipped and not arguments.quiet:
        print(f"skipped files of the data set: {prepared.skipped}", file=sys.stderr)
    time_together = None
    if isinstance(prepared.evaluator, TrainedEvaluator) and arguments.engine == "local":
        costs = prepared.evaluator.costs
        if isinstance(costs, TrialCosts) and costs.reference is not None:
            time_together = partial(costs.time_together, patience_s=arguments.patience)
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
        first_values=_first_values(arguments, config, prepared.space),
        latency_note=prepared.latency_note,
        time_together=None if arguments.no_recheck else time_together,
    )


def _shared_folder(arguments: argparse.Namespace, folder: Path) -> Path:
    """The folder of checkpoints: all nodes share it, unless Ray carries them through a URI."""
    from runners.records.paths import check_path

    path = arguments.storage_path
    shared = (folder if path is None or "://" in path else Path(path)).absolute()
    check_path(shared)
    return shared


def _first_values(arguments: argparse.Namespace, config: SweepConfig, space: Space) -> list[Values]:
    from runners.search import warm_starts

    values = warm_starts.locate_variants(config.enqueue, space)
    if arguments.enqueue is not None:
        values += warm_starts.read_file(arguments.enqueue, space)
    if arguments.origin is not None:
        inside, outside = warm_starts.read_front(arguments.origin, space)
        if outside:
            total = outside + len(inside)
            print(
                f"{outside} of {total} architectures of {arguments.origin} are not in this space",
                file=sys.stderr,
            )
        values += inside
    return values


def _engine(arguments: argparse.Namespace, job: Sweep, folder: Path) -> Engine:
    if arguments.engine == "ray":
        from runners.engines.ray import RayOptions, run

        options = RayOptions(
            address=arguments.address,
            cpus=arguments.cpus,
            gpus=arguments.gpus,
            max_concurrent=arguments.workers,
            patience_s=arguments.patience,
        )
        path = arguments.storage_path
        if not path or "://" not in path:
            path = _shared_folder(arguments, folder) / "ray"
        return partial(run, options=options, storage_path=path, name=job.name)
    from runners.engines import local

    processes = arguments.workers
    if processes is None and not job.evaluator.immediate:
        import torch

        training = job.config.training
        threads = training.threads if training is not None else 1
        processes = local.default_processes(torch.device(job.config.device), threads)
    return partial(local.run, processes=processes or 1, patience_s=arguments.patience)
