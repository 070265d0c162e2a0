"""Entry point of the Ray engine."""

from __future__ import annotations

from pathlib import Path

from runners.engines.ray.connection import connect
from runners.engines.ray.options import RayOptions
from runners.engines.task_queue import TaskQueue


def run(queue: TaskQueue, options: RayOptions, storage_path: Path | str, name: str) -> None:
    """Run the queue's tasks until it has no more, or ends the run.

    Tasks that are running when the run ends are killed and not reported to the queue.

    Args:
        queue: called from this thread only.
        options: which cluster, and how much of it.
        storage_path: a folder that all nodes share, or a URI that Tune can write to. With a URI,
            the files of unfinished tasks travel through it; with a folder, nodes are assumed to
            share the file system that these files are on, too.
        name: of the run, and of its folder there, which is removed unless a task was lost.

    Raises:
        UserError: there is no such cluster, it lacks what tasks need, the data is at fault, or
            the study cannot be written; the rest is stopped.
    """
    with connect(options.address):
        # Ray reads its settings from the environment when it is imported.
        from runners.engines.ray.resources import check_resources
        from runners.engines.ray.tuning import tune

        check_resources(options.cpus, options.gpus)
        tune(queue, options, str(storage_path), name)
