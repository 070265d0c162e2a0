"""How many tasks fit on the nodes of a cluster, and where latencies are measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import ray

from runners.records.errors import UserError

TIMING = "timing"
"""The resource that a node declares if latencies may be measured on it."""
NO_TIMING_NODE = (
    f"no node of this cluster has the resource '{TIMING}'; "
    f"start one with: ray start --resources='{{\"{TIMING}\": 1}}'"
)


def check_resources(cpus: float, gpus: float) -> None:
    """Raise UserError if tasks of this size would wait forever."""
    if not count_slots(cpus, gpus):
        raise UserError(f"no node of this cluster has {cpus:g} CPUs and {gpus:g} GPUs for a task")
    if not has_timing_node():
        raise UserError(NO_TIMING_NODE)


def count_slots(cpus: float, gpus: float) -> int:
    """How many tasks can run at a time, on all nodes together."""
    return sum(_node_slots(node, cpus, gpus) for node in _node_resources())


def has_timing_node() -> bool:
    """Whether a node is alive on which latencies may be measured."""
    return any(node.get(TIMING, 0) >= 1 for node in _node_resources())


def _node_resources() -> list[Mapping[str, float]]:
    """Total resources of each living node, in use or not."""
    nodes: list[Mapping[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
    return [node["Resources"] for node in nodes if node["Alive"]]


def _node_slots(node: Mapping[str, float], cpus: float, gpus: float) -> int:
    by_cpu = node.get("CPU", 0) // cpus
    return int(min(by_cpu, node.get("GPU", 0) // gpus) if gpus else by_cpu)
