"""The options of the Ray engine; importing them does not import Ray."""

from __future__ import annotations

import math
from dataclasses import dataclass

from runners.processes.patience import DEFAULT_PATIENCE_S
from runners.records.errors import UserError


@dataclass(frozen=True)
class RayOptions:
    """Which cluster to use, and how much of it each task gets.

    Args:
        address: "auto" or "host:port" of a cluster; None starts a Ray on this machine that
            listens on loopback only and ends with the run.
        cpus: per task.
        gpus: per task.
        max_concurrent: most tasks that run at a time; None for as many as fit on the nodes.
        max_failures: how often a task whose process or node died is restarted.
        patience_s: seconds after which a task that reports nothing has failed.

    Raises:
        UserError: a number is out of range, or the address is one of Ray Client.
    """

    address: str | None = None
    cpus: float = 1
    gpus: float = 0
    max_concurrent: int | None = None
    max_failures: int = 3
    patience_s: float = DEFAULT_PATIENCE_S

    def __post_init__(self) -> None:
        if self.address is not None and self.address.startswith("ray://"):
            raise UserError(
                f"Ray Client is not supported: {self.address}; start the sweep on the head node "
                "with address auto, or submit it with: ray job submit"
            )
        if not 0 < self.cpus < math.inf:
            raise UserError(f"CPUs per task must be positive and finite, got {self.cpus:g}")
        if not 0 <= self.gpus < math.inf:
            raise UserError(f"GPUs per task must be 0 or more and finite, got {self.gpus:g}")
        if self.max_concurrent is not None and self.max_concurrent < 1:
            raise UserError(f"concurrent tasks must be 1 or more, got {self.max_concurrent}")
        if self.max_failures < 0:
            raise UserError(f"failures per task must be 0 or more, got {self.max_failures}")
