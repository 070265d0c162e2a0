"""Tasks on the nodes of a Ray cluster, or on this machine through a Ray of its own.

Ray executes, and nothing else: the queue, and with it the study, stays in this process and this
thread. What Tune writes about its trials is of no use afterwards; a sweep whose process was killed
is taken up again from its study.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from runners.engines.task_queue import TaskQueue
from runners.records.errors import UserError


@dataclass(frozen=True)
class RayOptions:
    """Which cluster, and what of it a task gets.

    Args:
        address: "auto" or "host:port" of a cluster; None starts a Ray on this machine, which
            listens to this machine alone and ends with the run.
        cpus: per task.
        gpus: per task.
        at_once: tasks under way at most; None for as many as the nodes have room for.
        max_failures: how often a task whose process or node died is begun again.

    Raises:
        UserError: a number is out of range, or the address is one of Ray Client.
    """

    address: str | None = None
    cpus: float = 1
    gpus: float = 0
    at_once: int | None = None
    max_failures: int = 3

    def __post_init__(self) -> None:
        if self.address is not None and self.address.startswith("ray://"):
            raise UserError(
                f"{self.address}: Ray Client is not supported; start the sweep on the head node "
                "with address auto, or send it there with: ray job submit"
            )
        if not 0 < self.cpus < math.inf or not 0 <= self.gpus < math.inf:
            raise UserError(f"{self.cpus:g} CPUs and {self.gpus:g} GPUs: no task can run on that")
        if self.at_once is not None and self.at_once < 1:
            raise UserError(f"{self.at_once} tasks at once: at least 1 is needed")
        if self.max_failures < 0:
            raise UserError(f"{self.max_failures} failures: 0 or more can be allowed")


def run(queue: TaskQueue, options: RayOptions, storage_path: Path | str, name: str) -> None:
    """Do what the queue hands out until it has no more, or wants to end.

    What is under way when the run ends is cut off, and the queue hears no more of it.

    Args:
        queue: called from this thread alone.
        options: which cluster, and what of it.
        storage_path: a folder that all nodes share, or a URI that Tune can write to. With a URI,
            what unfinished tasks leave to go on from travels through it; with a folder, nodes are
            taken to share the file system that this lies on too.
        name: of the run; names a folder there, which is removed unless a task was lost.

    Raises:
        UserError: there is no such cluster, it lacks what tasks need, the data is at fault, or
            the study cannot be written; the rest is stopped.
    """
    from runners.engines.ray.connection import connected

    with connected(options.address):
        from runners.engines.ray.resources import check
        from runners.engines.ray.tuning import tune

        check(options.cpus, options.gpus)
        tune(queue, options, str(storage_path), name)
