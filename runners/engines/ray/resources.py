"""What the nodes of a cluster have room for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ray

from runners.records.errors import UserError

TIMING = "timing"
"""The resource that a node declares where latencies may be measured."""
NO_TIMING = (
    f"no node of this cluster has the resource '{TIMING}'; "
    f"start one with: ray start --resources='{{\"{TIMING}\": 1}}'"
)


def check(cpus: float, gpus: float) -> None:
    """Raise UserError if tasks of this size would wait for ever."""
    if not places(cpus, gpus):
        raise UserError(f"no node of this cluster has {cpus:g} CPUs and {gpus:g} GPUs for a task")
    if not can_time():
        raise UserError(NO_TIMING)


def places(cpus: float, gpus: float) -> int:
    """How many tasks can be under way at once, on all nodes together."""
    return sum(_places(node, cpus, gpus) for node in _nodes())


def can_time() -> bool:
    """Whether a node is alive on which latencies may be measured."""
    return any(node.get(TIMING, 0) >= 1 for node in _nodes())


def _nodes() -> list[Mapping[str, float]]:
    """What each living node has, in use or not."""
    nodes: list[Mapping[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return [node["Resources"] for node in nodes if node["Alive"]]


def _places(node: Mapping[str, float], cpus: float, gpus: float) -> int:
    by_cpu = node.get("CPU", 0) // cpus
    return int(min(by_cpu, node.get("GPU", 0) // gpus) if gpus else by_cpu)
