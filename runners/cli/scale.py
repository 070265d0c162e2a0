"""`bench.py scale`: how mixers grow with the map, and from which size on they beat a baseline."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from runners.cli.parser import EXIT_ARM_FAILED, EXIT_OK, Commands, positive

if TYPE_CHECKING:
    from runners.records.scale_point import ScalePoint

_SIDES = (7, 14, 28, 56, 96, 128)


def add(commands: Commands) -> None:
    """Add the subcommand `scale`."""
    scale = commands.add_parser(
        "scale", help="measure time, MACs and memory of single mixers against the size of the map"
    )
    option = scale.add_argument
    option(
        "names",
        nargs="*",
        metavar="MIXER",
        help="mixers with options, as in compare (default: all)",
    )
    scale.mixer_files()
    option(
        "--baseline",
        action="append",
        metavar="MIXER",
        help="mixer to compare with (default: softmax)",
    )
    option(
        "--widths",
        type=positive,
        nargs="+",
        default=[64],
        metavar="C",
        help="channels (default: 64)",
    )
    sides = " ".join(map(str, _SIDES))
    option(
        "--sides",
        type=positive,
        nargs="+",
        default=_SIDES,
        metavar="S",
        help=f"sides of the maps in pixels (default: {sides})",
    )
    scale.number("--heads", "number of heads", 4)
    scale.number("--batch", "maps per pass", 1)
    scale.number("--threads", "CPU threads", 1)
    scale.number("--cap-ms", "skip larger maps once a pass takes longer", 2000)
    scale.number(
        "--memory-gb", "skip larger maps once a pass needs more (default: most of the free memory)"
    )
    scale.out()
    scale.flag("--quiet", "print no progress, only the final table")
    scale.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Measure, write the files and print the table."""
    from attention_zoo import add_files, entries
    from runners import arms
    from runners.store import run_folder

    add_files(arguments.mixer)
    baselines = arguments.baseline or ["softmax"]
    names = [*(arguments.names or sorted(entries()))]
    names += [name for name in baselines if name not in names]
    mixers = arms.mixers(names)
    folder = run_folder.choose(arguments.out, ["scale", *names], resume=None)

    from rich.console import Console

    from runners.jobs.scale import ScalingJob, check, scale
    from runners.measure.memory.limit import free_memory
    from runners.progress.display import ProgressDisplay
    from runners.progress.listener import Listener

    job = ScalingJob(
        mixers=mixers,
        widths=sorted(set(arguments.widths)),
        sides=sorted(set(arguments.sides)),
        heads=arguments.heads,
        batch=arguments.batch,
        threads=arguments.threads,
        cap_ms=float(arguments.cap_ms),
        memory_bytes=(arguments.memory_gb or 0) * 10**9 or free_memory(),
    )
    check(job)
    with run_folder.lock_run_folder(folder):
        listener = Listener() if arguments.quiet else ProgressDisplay(Console(stderr=True))
        points: list[ScalePoint] = []
        try:
            for group in scale(job, listener):
                points += group
        finally:
            listener.close()
            if points:
                _write(points, baselines, folder)
    failed = any(point.state == "failed" for point in points)
    return EXIT_ARM_FAILED if failed else EXIT_OK


def _write(points: Sequence[ScalePoint], baselines: Sequence[str], folder: Path) -> None:
    from rich.console import Console

    from reports.scaling import scaling_grid, write_scaling

    rows = [point.flat() for point in points]
    write_scaling(rows, baselines, folder)
    console = Console()
    console.print(scaling_grid(rows, baselines))
    console.print(f"\nFiles: {folder}/", markup=False, highlight=False, soft_wrap=True)
